/* The tabs of the HTML editor: code, or the visual editor in its frame. The code is what is saved. */
"use strict";

window.addEventListener("load", () => setTimeout(() => {
    const box = document.querySelector(".html-editor");
    if (!box) return;
    const [code, visual] = box.querySelectorAll("[role=tab]");
    const panels = [...box.querySelectorAll(":scope > [role=tabpanel]")];
    const frame = panels[1].querySelector("iframe");
    const said = panels[1].querySelector("[role=alert]");
    const ace = () => box.querySelector(".django-ace-widget").editor;
    const kind = () => document.querySelector("[name=source_kind]")?.value;
    const token = () => document.querySelector("[name=csrfmiddlewaretoken]").value;
    let isOpen = false;

    const inner = () => frame.contentWindow?.studioVisual;
    const listeners = {
        change: (html) => ace().setValue(html, -1),
        focus: () => {
            say("");
            document.dispatchEvent(new Event("studio:visual"));
        },
    };

    function say(text, insteadOfFrame = true) {
        said.textContent = text;
        said.hidden = !text;
        frame.hidden = insteadOfFrame && Boolean(text);
    }

    function select(tab) {
        for (const each of [code, visual]) {
            each.setAttribute("aria-selected", String(each === tab));
            each.tabIndex = each === tab ? 0 : -1;
        }
        panels[0].hidden = tab !== code;
        panels[1].hidden = tab !== visual;
    }

    function loaded() {
        if (inner() || frame.contentDocument?.querySelector(".missing")) return Promise.resolve();
        return new Promise((done) => {
            frame.addEventListener("load", () => {
                const page = frame.contentWindow;
                if (page.studioVisual || frame.contentDocument.querySelector(".missing")) done();
                else page.addEventListener("studio:ready", done, { once: true });
            }, { once: true });
            frame.src = box.dataset.visual;
        });
    }

    async function show() {
        select(visual);
        isOpen = true;
        if (kind() === "mjml") {
            say("The visual editor edits HTML. This template is written in MJML: edit it as code.");
            return;
        }
        say("");
        try {
            await loaded();
            dim();
            if (!inner()) return; // the page says how to get the editor
            const body = new URLSearchParams({ html: ace().getValue(), csrfmiddlewaretoken: token() });
            const response = await fetch(`${box.dataset.visual}source/`, { method: "POST", body });
            if (!response.ok) throw new Error(`The server answered ${response.status}.`);
            const found = await response.json();
            if (found.error) throw new Error(found.error);
            if (isOpen) inner().open(found, listeners);
        } catch (error) {
            say(`The visual editor cannot show this HTML. ${error.message}`);
        }
    }

    async function hide() {
        isOpen = false;
        select(code);
        await inner()?.settle();
        ace().resize();
    }

    function dim() {
        const isDark = document.documentElement.classList.contains("dark");
        frame.contentDocument?.documentElement.classList.toggle("dark", isDark);
    }

    code.addEventListener("click", hide);
    visual.addEventListener("click", show);
    box.querySelector("[role=tablist]").addEventListener("keydown", (event) => {
        if (!["ArrowLeft", "ArrowRight"].includes(event.key) || visual.hidden) return;
        const other = document.activeElement === code ? visual : code;
        other.focus();
        other.click();
    });
    new MutationObserver(dim).observe(document.documentElement, { attributeFilter: ["class"] });
    document.querySelector("[name=source_kind]")?.addEventListener("change", () => isOpen && hide());
    // What is being typed is taken over first, which takes a moment.
    let isSettled = false;
    box.closest("form").addEventListener("submit", (event) => {
        if (!isOpen || !inner() || isSettled) return;
        event.preventDefault();
        event.stopPropagation();
        isSettled = true;
        const { currentTarget: form, submitter } = event;
        // Not at once: a form that is being submitted cannot be submitted.
        inner().settle().finally(() => setTimeout(() => form.requestSubmit(submitter)));
    }, true);
    document.addEventListener("studio:insert", (event) => {
        if (isOpen && inner() && !inner().insert(event.detail)) {
            say("Select a text in the visual editor first.", false);
        }
    });
}));

/* GrapesJS on one template's body; `window.studioVisual` is what the template's page works with. */
"use strict";

(() => {
    const TAG = /\{\{[\s\S]*?\}\}|\{%[\s\S]*?%\}|\{#[\s\S]*?#\}/g;
    const ENTITY = { lt: "<", gt: ">", amp: "&", quot: '"', "#34": '"', "#39": "'", apos: "'", nbsp: " " };
    const ELEMENT = /<[a-z][^\s>]*(?:\s+[^\s=>]+(?:="[^"]*")?)*\s*\/?>/gi;
    const NO_IMAGE = / src="data:image\/svg\+xml;base64,PHN2ZyB4[^"]*"/g; // what stands for none
    const PLACEHOLDER = /https:\/\/via\.placeholder\.com[^"']*/g;

    const editor = window.grapesjs.init({
        container: "#visual",
        height: "100%",
        width: "auto",
        telemetry: false,
        cssIcons: "",
        storageManager: false,
        fromElement: false,
        avoidInlineStyle: false, // mail programs read style attributes
        selectorManager: { componentFirst: true },
        assetManager: { upload: false },
        parser: { optionsHtml: { allowScripts: false, allowUnsafeAttr: false, keepEmptyTextNodes: true } },
        deviceManager: { devices: [{ name: "Desktop", width: "" }, { name: "Phone", width: "375px", widthMedia: "" }] },
        plugins: [(made) => window["grapesjs-preset-newsletter"].default(made, { showStylesOnChange: false })],
    });
    editor.Panels.removeButton("options", "gjs-open-import-template");
    editor.Panels.removeButton("options", "export-template");
    for (const block of editor.Blocks.getAll().models) {
        const content = block.get("content");
        if (typeof content === "string") block.set("content", content.replace(PLACEHOLDER, ""));
    }

    let source = null; // what the server made of the template
    let asOpened = "";
    let said = "";
    let tell = { change() {}, focus() {} };
    let timer = 0;

    const decoded = (tag) => tag.replace(/&(\w+|#\d+);/g, (all, name) => ENTITY[name] ?? all);

    // A kept attribute with what was added to it here: style="color: {{ colour }}; width: 10px".
    function joined(text, value, separator) {
        const quote = /["']$/.exec(text)?.[0] ?? "";
        return quote ? `${text.slice(0, -1)}${separator}${value}${quote}` : text;
    }

    // An element must not have its kept style or class, and another one beside it.
    function merged(kept, element) {
        for (const [all, number] of element.matchAll(/data-kept-(\d+)=""/g)) {
            const [, name] = /^(style|class)\s*=/i.exec(kept[number] ?? "") ?? [];
            const other = name && new RegExp(` ${name}="([^"]*)"`, "i").exec(element);
            if (!other) continue;
            const text = joined(kept[number], other[1], name.toLowerCase() === "style" ? "; " : " ");
            element = element.replace(other[0], "").replace(all, `data-kept-${kept.push(text) - 1}=""`);
        }
        return element;
    }

    // Numbers become what they stand for; that may hold numbers again.
    function restored(html) {
        const kept = [...source.kept];
        const back = (all, number) => kept[number] ?? "";
        let text = html
            .replace(NO_IMAGE, "")
            .replace(ELEMENT, (element) => merged(kept, element))
            .replace(TAG, decoded);
        for (let turn = 0; turn < 5; turn += 1) {
            const before = text;
            text = text.replace(/<!--kept (\d+)-->/g, back).replace(/data-kept-(\d+)(?:="")?/g, back);
            if (text === before) break;
        }
        return text;
    }

    function written() {
        return restored(editor.getWrapper().getInnerHTML());
    }

    function flush() {
        clearTimeout(timer);
        if (!source) return;
        const body = written();
        if (body === said || (said === "" && body === asOpened)) return;
        said = body;
        tell.change(source.before + body + source.after);
    }

    function open(found, listeners) {
        source = null;
        editor.setComponents(found.body);
        editor.UndoManager.clear();
        const style = editor.Canvas.getDocument().createElement("style");
        style.textContent = found.css;
        editor.Canvas.getDocument().head.append(style);
        source = found;
        tell = listeners;
        said = "";
        asOpened = written();
    }

    // What is being typed reaches the model when the typing ends.
    async function settle() {
        await editor.getEditing()?.getView().disableEditing();
        flush();
    }

    function insertAtCursor(text) {
        const page = editor.Canvas.getDocument();
        const selection = page.getSelection();
        const root = editor.getEditing().getEl();
        if (!selection.rangeCount || !root.contains(selection.anchorNode)) {
            selection.selectAllChildren(root);
            selection.collapseToEnd();
        }
        const range = selection.getRangeAt(0);
        range.deleteContents();
        range.insertNode(page.createTextNode(text));
        range.collapse(false);
        editor.Canvas.getWindow().focus();
    }

    // False: nothing is selected that could take it.
    function insert(text) {
        const selected = editor.getSelected();
        if (editor.getEditing()) insertAtCursor(text);
        else if (selected?.is("text") || selected?.is("link")) selected.append(text);
        else return false;
        return true;
    }

    editor.on("update", () => {
        clearTimeout(timer);
        timer = setTimeout(flush, 300);
    });
    editor.on("component:selected", () => tell.focus());
    editor.onReady(() => {
        window.studioVisual = { editor, open, insert, settle };
        window.dispatchEvent(new Event("studio:ready"));
    });
})();

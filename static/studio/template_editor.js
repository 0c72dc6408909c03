/* The template editor: live preview, variables, sample values. Rendering is the server's. */
"use strict";

document.addEventListener("alpine:init", () => {
    window.Alpine.data("templateEditor", () => ({
        mode: "desktop",
        subject: "",
        text: "",
        size: null,
        error: "",
        variables: [],
        names: [],
        samples: {},
        query: "",
        rows: [],
        row: null,
        asked: 0,

        init() {
            // Kept: Alpine finds $root from the pressed button, which a choice takes away.
            this.options = this.$root.dataset;
            this.names = JSON.parse(document.getElementById("template-names").textContent);
            for (const name of ["subject", "text", "sample_variables"]) {
                this.field(name)?.addEventListener("input", () => this.later());
            }
            // Ace is made on load and does not tell its textarea's listeners.
            window.addEventListener("load", () => setTimeout(() => this.watchEditor()));
            if (document.readyState === "complete") this.watchEditor();
            this.look();
        },

        watchEditor() {
            const widget = document.querySelector(".django-ace-widget");
            if (!widget?.editor || this.editor) return;
            this.editor = () => widget.editor; // a function: Alpine must not wrap Ace itself
            widget.editor.getSession().on("change", () => this.later());
            const theme = () => {
                const dark = document.documentElement.classList.contains("dark");
                widget.editor.setTheme(dark ? "ace/theme/tomorrow_night" : "ace/theme/chrome");
            };
            theme();
            new MutationObserver(theme).observe(document.documentElement, { attributeFilter: ["class"] });
        },

        field(name) {
            return document.querySelector(`#content-main form:not([hidden]) [name="${name}"]`);
        },

        later() {
            clearTimeout(this.timer);
            this.timer = setTimeout(() => this.look(), 400);
        },

        fill() {
            const form = this.$refs.form;
            for (const name of ["subject", "html", "text", "sample_variables"]) {
                form.elements[name].value = this.field(name)?.value ?? "";
            }
            form.elements.row.value = this.row ? JSON.stringify(this.row.values) : "";
            form.elements.show.value = this.mode === "text" ? "text" : "";
            try {
                this.samples = JSON.parse(form.elements.sample_variables.value || "{}") || {};
            } catch {
                this.samples = {};
            }
            return form;
        },

        async ask(url, body) {
            const response = await fetch(url, { method: "POST", body });
            if (!response.ok) throw new Error(`The server answered ${response.status}.`);
            return response.json();
        },

        async look() {
            const turn = ++this.asked;
            const form = this.fill();
            try {
                const found = await this.ask(this.options.inspect, new FormData(form));
                if (turn !== this.asked) return; // something newer was asked meanwhile
                Object.assign(this, { error: "", size: null, ...found });
                this.mark(found);
                if (!found.error && this.options.channel === "email") form.submit();
            } catch (error) {
                this.error = `The preview is not available. ${error.message}`;
            }
        },

        mark({ error, part, line }) {
            const here = error && part === "html" && line;
            this.editor?.().getSession().setAnnotations(
                here ? [{ row: line - 1, column: 0, text: error, type: "error" }] : [],
            );
        },

        show(mode) {
            this.mode = mode;
            if (!this.error) this.fill().submit();
        },

        async find() {
            const body = new FormData(this.$refs.form);
            body.set("q", this.query);
            this.rows = (await this.ask(this.options.rows, body)).rows;
        },

        choose(row) {
            this.row = row;
            this.rows = [];
            this.query = row?.label ?? "";
            this.look();
        },

        get available() {
            const own = Object.keys(this.row?.values ?? this.samples).filter((name) => name !== "event");
            const event = Object.keys(this.samples.event ?? {}).map((name) => `event.${name}`);
            return [...own, ...event, ...this.names];
        },

        known(name) {
            return this.available.includes(name) || this.names.includes(`global.${name}`);
        },

        insert(name) {
            const tag = `{{ ${name} }}`;
            if (this.editor) {
                this.editor().insert(tag);
                this.editor().focus();
                return;
            }
            const field = this.field("text");
            field.setRangeText(tag, field.selectionStart, field.selectionEnd, "end");
            field.focus();
            this.later();
        },

        addSample(name) {
            const [space, key] = name.includes(".") ? name.split(".") : ["", name];
            if (space && space !== "event") return;
            const samples = structuredClone(Alpine.raw(this.samples));
            if (space) samples.event = { ...samples.event, [key]: key };
            else samples[key] = key;
            this.field("sample_variables").value = JSON.stringify(samples, null, 2);
            this.look();
        },
    }));
});

/* The template editor: live preview, variables, sample values. Rendering is the server's. */
"use strict";

document.addEventListener("alpine:init", () => {
    window.Alpine.data("templateEditor", () => ({
        mode: "desktop",
        subject: "",
        text: "",
        size: null,
        language: "",
        deviation: "",
        error: "",
        variables: [],
        groups: [],
        wanted: "",
        target: "",
        samples: {},
        query: "",
        rows: [],
        row: null,
        asked: 0,

        init() {
            // Kept: Alpine finds $root from the pressed button, which a choice takes away.
            this.options = this.$root.dataset;
            this.groups = JSON.parse(document.getElementById("template-names").textContent);
            this.target = this.options.channel === "email" ? "html" : "text";
            this.table = JSON.parse(document.getElementById("sms-table")?.textContent ?? "null");
            for (const name of ["subject", "text", "sample_variables", "url_shorten", "dlt_text"]) {
                this.field(name)?.addEventListener("input", () => this.later());
            }
            for (const name of ["subject", "text"]) {
                this.field(name)?.addEventListener("focus", () => (this.target = name));
            }
            this.field("source_kind")?.addEventListener("change", () => this.later());
            document.addEventListener("studio:visual", () => (this.target = "visual"));
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
            widget.editor.on("focus", () => (this.target = "html"));
            window.StudioComplete.attach(widget.editor, () => this.allGroups);
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
            const names = ["subject", "source_kind", "html", "text", "sample_variables", "url_shorten", "dlt_text"];
            for (const name of names) {
                const field = this.field(name);
                const isOff = field?.type === "checkbox" && !field.checked;
                form.elements[name].value = isOff ? "" : (field?.value ?? "");
            }
            form.elements.row.value = this.row ? JSON.stringify(this.row.values) : "";
            form.elements.show.value = this.mode === "text" ? "text" : "";
            try {
                this.samples = JSON.parse(form.elements.sample_variables.value || "{}") || {};
            } catch {
                this.samples = {};
            }
            document.dispatchEvent(new CustomEvent("template-fill", { detail: form }));
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
                Object.assign(this, { error: "", deviation: "", ...found });
                this.size = this.table && !found.error ? window.smsSize(this.text, this.table) : null;
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

        shown(char) {
            const code = char.codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
            return /[\p{Z}\p{C}\p{M}]/u.test(char) ? `U+${code}` : char;
        },

        get ownNames() {
            const own = Object.keys(this.row?.values ?? this.samples).filter((name) => name !== "event");
            const event = Object.keys(this.samples.event ?? {}).map((name) => `event.${name}`);
            return [...own, ...event];
        },

        // The server's groups, and what only the chosen record or the samples have.
        get allGroups() {
            const listed = new Set(this.groups.flatMap((group) => group.names.map((entry) => entry.name)));
            const names = this.ownNames.filter((name) => !listed.has(name));
            const own = names.map((name) => ({ name, hint: "", wins: "" }));
            return own.length ? [{ title: "Sample variables", names: own }, ...this.groups] : this.groups;
        },

        get shownGroups() {
            const wanted = this.wanted.trim().toLowerCase();
            const fits = ({ name, hint }) => `${name} ${hint}`.toLowerCase().includes(wanted);
            return this.allGroups
                .map((group) => ({ ...group, names: group.names.filter(fits) }))
                .filter((group) => group.names.length);
        },

        get targetSaid() {
            return { subject: "subject", html: "HTML code", text: "text", visual: "visual editor" }[this.target];
        },

        // Globals and system values are there for every message; the rest needs a value to preview with.
        known(name) {
            if (this.ownNames.includes(name)) return true;
            const listed = (full) => this.groups.some((group) => group.names.some((entry) => entry.name === full));
            return /^(global|system)\./.test(name) ? listed(name) : listed(`global.${name}`);
        },

        insert(name, entry) {
            if (entry && !this.row && !this.known(name)) this.addSample(name, entry.sample ?? undefined);
            const editor = this.editor?.();
            if (this.target === "visual") {
                document.dispatchEvent(new CustomEvent("studio:insert", { detail: `{{ ${name} }}` }));
            } else if (this.target === "html" && editor) {
                const { row, column } = editor.getCursorPosition();
                editor.insert(this.written(name, editor.session.getLine(row).slice(0, column)));
                editor.focus();
            } else {
                const field = this.field(this.target);
                const tag = this.written(name, field.value.slice(0, field.selectionStart));
                field.setRangeText(tag, field.selectionStart, field.selectionEnd, "end");
                field.dispatchEvent(new Event("input", { bubbles: true }));
                field.focus();
            }
        },

        // Inside a tag that is open already, the name alone.
        written(name, before) {
            return /\{[{%][^}]*$/.test(before) ? name : `{{ ${name} }}`;
        },

        addSample(name, value) {
            const [space, key] = name.includes(".") ? name.split(".") : ["", name];
            if (space && space !== "event") return;
            const samples = structuredClone(Alpine.raw(this.samples));
            value ??= key;
            if (space) samples.event = { ...samples.event, [key]: value };
            else samples[key] = value;
            this.field("sample_variables").value = JSON.stringify(samples, null, 2);
            this.look();
        },
    }));
});

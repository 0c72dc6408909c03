/* The further texts of a template: blocks added, removed, and shown in the preview. */
"use strict";

(() => {
    const parts = ["subject", "html", "text"];

    const field = (name) => document.querySelector(`#content-main form:not([hidden]) [name="${name}"]`);

    // The preview looks again when it hears of a change in one of the form's own fields.
    const changed = () => field("sample_variables")?.dispatchEvent(new Event("input", { bubbles: true }));

    function start(root) {
        const name = root.dataset.languages;
        const count = root.querySelector(`[name="${name}-count"]`);

        const blocks = () => [...root.querySelectorAll(".tl-block")];

        function told() {
            root.querySelector(".tl-none").hidden = blocks().length > 0;
            root.querySelector(".tl-add").hidden = blocks().length >= Number(root.dataset.most);
            offer();
            changed();
        }

        function add() {
            const number = Number(count.value);
            const holder = document.createElement("div");
            holder.innerHTML = root.querySelector("template").innerHTML.replaceAll("__number__", number);
            const block = holder.firstElementChild;
            root.querySelector(".tl-add").before(block);
            count.value = number + 1;
            block.querySelector("input").focus();
            told();
        }

        function copy(block) {
            for (const part of parts) {
                const own = block.querySelector(`[name$="-${part}"]`);
                if (own && field(part)) own.value = field(part).value;
            }
            told();
        }

        function offer() {
            const select = document.getElementById("te-language");
            if (!select) return;
            const tags = blocks().map((block) => block.querySelector('[name$="-language"]').value.trim()).filter(Boolean);
            select.closest(".te-row").hidden = !tags.length;
            const chosen = select.value;
            while (select.options.length > 2) select.remove(2);
            for (const tag of tags) select.add(new Option(tag, tag));
            select.value = [...select.options].some((option) => option.value === chosen) ? chosen : "";
        }

        root.addEventListener("click", ({ target }) => {
            if (target.matches(".tl-add")) add();
            if (target.matches(".tl-copy")) copy(target.closest(".tl-block"));
            if (target.matches(".tl-remove")) {
                target.closest(".tl-block").remove();
                told();
            }
        });
        root.addEventListener("input", ({ target }) => {
            if (target.name.endsWith("-language")) {
                target.closest(".tl-block").querySelector("summary b").textContent = target.value || "New language";
                offer();
            }
            changed();
        });
        document.getElementById("te-language")?.addEventListener("change", changed);
        document.addEventListener("template-fill", ({ detail: form }) => {
            form.querySelectorAll("[data-language-part]").forEach((input) => input.remove());
            const put = (key, value) => {
                const input = document.createElement("textarea");
                input.name = key;
                input.value = value;
                input.dataset.languagePart = "";
                form.append(input);
            };
            for (const input of root.querySelectorAll("input, textarea")) put(input.name, input.value);
            put("language", document.getElementById("te-language")?.value ?? "");
        });
        offer();
    }

    // The field shows the name of one file by itself.
    document.addEventListener("change", ({ target }) => {
        if (target.name !== "new_files" || target.files.length < 2) return;
        const names = [...target.files].map((file) => file.name).join(", ");
        target.parentNode.parentNode.parentNode.querySelector("input[type=text]").value = names;
    });

    document.addEventListener("DOMContentLoaded", () => {
        for (const root of document.querySelectorAll("[data-languages]")) start(root);
    });
})();

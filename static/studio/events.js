"use strict";

// Event subscriptions: counts what was changed, and keeps it from being lost by leaving the page.
document.addEventListener("DOMContentLoaded", () => {
    const form = document.querySelector(".event-form");
    const count = form && form.querySelector("[data-count]");
    if (!form) return;

    const said = (on, template) => `${on ? "1" : "0"}:${template}`;

    const changed = (cell) => {
        const on = cell.querySelector("input[type=checkbox]").checked;
        const select = cell.querySelector("select");
        return cell.querySelector("input[type=hidden]").value !== said(on, select ? select.value : "");
    };

    const changes = () => {
        const cells = [...form.querySelectorAll("[data-cell]")].filter(changed).length;
        const switches = [...form.querySelectorAll("[data-was]")].filter(
            (box) => box.checked !== (box.dataset.was === "1"),
        ).length;
        return cells + switches;
    };

    const tell = () => {
        const number = changes();
        if (count) count.textContent = number ? `${number} change${number === 1 ? "" : "s"} not saved` : "";
    };

    form.addEventListener("change", (event) => {
        const cell = event.target.closest("[data-cell]");
        if (cell && event.target.matches("select")) {
            const link = cell.querySelector("[data-preview]");
            link.classList.toggle("event-none", !event.target.value);
            link.href = link.dataset.preview.replace(/\/0\/$/, `/${event.target.value}/`);
            // Who chooses the first template means to send it.
            const before = cell.querySelector("input[type=hidden]").value;
            if (event.target.value && before === "0:") cell.querySelector("input[type=checkbox]").checked = true;
        }
        tell();
    });

    let saving = false;
    form.addEventListener("submit", () => { saving = true; });
    window.addEventListener("beforeunload", (event) => {
        if (!saving && changes()) event.preventDefault();
    });
    tell();
});

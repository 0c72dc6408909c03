"use strict";

// A dialog that says what is in the way cannot be submitted; the server refuses it, too.
document.addEventListener("htmx:afterSettle", () => {
  for (const button of document.querySelectorAll("#dialog button[type=submit]")) {
    button.disabled = button.form.querySelector("[data-blocked]") !== null;
  }
});

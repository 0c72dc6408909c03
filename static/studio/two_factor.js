// Counts down until another code may be asked for; prints the backup codes.
"use strict";

for (const button of document.querySelectorAll("button[data-wait]")) {
  const until = Date.now() + Number(button.dataset.wait) * 1000;
  const text = button.querySelector("[data-wait-text]");
  const timer = setInterval(() => {
    const left = Math.ceil((until - Date.now()) / 1000);
    text.textContent = left > 0 ? ` in ${left} s` : "";
    if (left <= 0) {
      button.disabled = false;
      clearInterval(timer);
    }
  }, 500);
}

document.querySelector("[data-print]")?.addEventListener("click", () => window.print());

// The preview is read again as soon as the way the file is written is changed.
document.addEventListener("change", (event) => {
  event.target.closest("form[data-reread]")?.requestSubmit();
});

document.addEventListener("submit", (event) => {
  const wait = event.target.matches("form[data-upload]") && event.target.querySelector("[data-wait]");
  if (wait) wait.hidden = false;
});

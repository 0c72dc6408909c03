"use strict";

// The form of a conversion rule: run it against an example; only what was run can be saved.
const MODES = { fieldmap: "json", xslt: "xml", jinja: "twig", passthrough: "json" };
const CONTENT = [
  "direction", "template_version", "matching_source", "matching_pattern", "output", "engine",
  "body", "multiple_envelopes", "naming_pattern", "kept_files", "new_files", "target",
];

function ruleForm() {
  return document.getElementById("conversionrule_form");
}

function editorOf() {
  const widget = document.querySelector(".django-ace-widget");
  return widget && widget.editor;
}

function saveButtons() {
  return document.querySelectorAll("[name=_save], [name=_continue], [name=_addanother]");
}

function say(box, text, isGood) {
  const place = box.querySelector("[data-state]");
  place.textContent = text;
  place.classList.toggle("integration-bad", isGood === false);
  place.classList.toggle("integration-good", isGood === true);
}

function lock(box, isLocked, text) {
  for (const button of saveButtons()) button.disabled = isLocked;
  box.dataset.locked = isLocked ? "1" : "";
  if (text) say(box, text);
}

function dirty(box) {
  ruleForm().elements.run_token.value = "";
  lock(box, true, "Not run as it stands now: press Run, then it can be saved.");
}

// XML in one line is nobody's to read.
function indented(text) {
  if (!/^\s*</.test(text) || text.includes("\n  <")) return text;
  let depth = 0;
  return text.replace(/>\s*</g, ">\n<").split("\n").map((line) => {
    if (line.startsWith("</")) depth = Math.max(0, depth - 1);
    const shown = "  ".repeat(depth) + line;
    if (/^<[^/?!]/.test(line) && !line.includes("</") && !line.endsWith("/>")) depth += 1;
    return shown;
  }).join("\n");
}

function show(box, title, answer) {
  const result = box.querySelector("[data-result]");
  result.hidden = false;
  result.querySelector("[data-title]").textContent = title;
  result.querySelector("[data-text]").textContent = indented(answer.text);
  result.querySelector("[data-cut]").hidden = !answer.is_cut;
  const list = result.querySelector("[data-messages]");
  list.replaceChildren(...answer.messages.map((text) => {
    const item = document.createElement("li");
    item.textContent = text;
    return item;
  }));
}

async function ask(box, what) {
  const editor = editorOf();
  const form = ruleForm();
  if (editor) form.elements.body.value = editor.getValue();
  const data = new FormData(form);
  data.set("rule", box.dataset.rule);
  const response = await fetch(box.dataset[what], { method: "POST", body: data });
  const failed = { error: "It did not work. Load the page again." };
  const answer = await response.json().catch(() => failed);
  return response.ok || answer.error ? answer : failed;
}

async function act(box, button) {
  const what = button.dataset.do;
  button.disabled = true;
  say(box, "Running…");
  const asked = editorOf() && editorOf().getValue();
  const answer = await ask(box, what).catch(() => ({ error: "The Studio does not answer." }));
  button.disabled = false;
  if (answer.error) {
    const place = answer.line ? ` (line ${answer.line}${answer.column ? `:${answer.column}` : ""})` : "";
    say(box, answer.error + place, false);
    if (answer.line && editorOf()) editorOf().gotoLine(answer.line, Math.max(0, (answer.column || 1) - 1));
    if (what === "run") box.querySelector("[data-result]").hidden = true;
    return;
  }
  if (what === "start") {
    if (editorOf()) editorOf().setValue(answer.body, -1);
    say(box, "A starting map was made from the example. Change it, then press Run.");
  } else if (what === "view") {
    show(box, `The example as rules see it: ${answer.filename}`, answer);
    say(box, "");
  } else {
    show(box, `Result: ${answer.filename || "envelope"}`, answer);
    if (asked !== (editorOf() && editorOf().getValue())) return dirty(box);
    ruleForm().elements.run_token.value = answer.token;
    lock(box, false);
    say(box, "It ran. It can be saved now.", true);
  }
}

function showDirection() {
  const chosen = document.querySelector("[name=direction]:checked");
  if (!chosen) return;
  for (const each of ["out", "in"]) {
    for (const block of document.querySelectorAll(`.block-${each}`)) block.hidden = each !== chosen.value;
  }
  for (const only of document.querySelectorAll("[data-out]")) only.hidden = chosen.value !== "out";
  const target = document.querySelector("[name=target]");
  const fits = { out: ["envelope", "audience_import", "event"], in: ["remote", "event"] }[chosen.value];
  for (const option of target ? target.options : []) {
    option.hidden = option.disabled = Boolean(option.value) && !fits.includes(option.value);
  }
  if (target && !fits.includes(target.value)) target.value = fits[0];
  showTarget();
}

function showTarget() {
  const target = document.querySelector("[name=target]");
  const option = document.querySelector("[name=option]");
  const campaign = document.querySelector("[name=campaign]");
  let row = option;
  while (row && campaign && !row.contains(campaign)) row = row.parentElement;
  if (row) row.hidden = !["event", "audience_import"].includes(target.value);
}

// The first example of an OUT rule that is empty still.
function offerMap(box) {
  const form = ruleForm();
  const isEmpty = editorOf() && !editorOf().getValue().trim();
  const isMapped = form.elements.engine.value === "fieldmap" && form.elements.direction.value === "out";
  if (isEmpty && isMapped && box.dataset.may) act(box, box.querySelector("[data-do=start]"));
}

function setMode() {
  const engine = document.querySelector("[name=engine]");
  const editor = editorOf();
  if (!engine || !editor) return;
  const Mode = ace.require(`ace/mode/${MODES[engine.value]}`).Mode;
  editor.getSession().setUseWorker(false); // the content policy allows none
  editor.getSession().setMode(new Mode());
}

// As light or as dark as the page.
function setTheme() {
  const isDark = document.documentElement.classList.contains("dark");
  editorOf().setTheme(isDark ? "ace/theme/tomorrow_night" : "ace/theme/chrome");
}

function begin() {
  const box = document.getElementById("rule-run");
  const form = ruleForm();
  if (!box || !form || !form.elements.run_token) return;
  const widget = document.querySelector(".django-ace-widget");
  const fieldset = widget && widget.closest("fieldset");
  if (fieldset) fieldset.after(box);
  box.hidden = false;
  if (!box.dataset.may) {
    for (const button of box.querySelectorAll("[data-do]")) button.disabled = true;
    say(box, "To run rules you need the permission “Can run conversion rules against examples”.");
  }
  if (!box.dataset.rule && !form.elements.run_token.value) {
    lock(box, true, "Choose an example and press Run: a rule is saved once it ran.");
  }
  box.addEventListener("click", (event) => {
    const button = event.target.closest("[data-do]");
    if (button) act(box, button);
    if (event.target.closest("[data-syntax]")) box.querySelector("details").open = true;
  });
  for (const kind of ["input", "change"]) {
    form.addEventListener(kind, (event) => {
      if (CONTENT.includes(event.target.name)) dirty(box);
      if (event.target.name === "direction") showDirection();
      if (event.target.name === "target") showTarget();
      if (event.target.name === "engine") setMode();
      if (kind === "change" && ["example_file", "example_from"].includes(event.target.name)) offerMap(box);
    });
  }
  const wait = window.setInterval(() => {
    const editor = editorOf();
    if (!editor) return;
    window.clearInterval(wait);
    setMode();
    setTheme();
    new MutationObserver(setTheme).observe(document.documentElement, { attributeFilter: ["class"] });
    editor.on("change", () => dirty(box));
  }, 50);
  showDirection();
}

document.addEventListener("DOMContentLoaded", begin);

"use strict";

// The page of an integration, and lists of rules wherever they are.
function csrf() {
  return document.querySelector("[name=csrfmiddlewaretoken]").value;
}

async function post(url, values) {
  const body = new URLSearchParams(values);
  const response = await fetch(url, { method: "POST", body, headers: { "X-CSRFToken": csrf() } });
  const answer = await response.json().catch(() => ({ error: "It did not work. Load the page again." }));
  return response.ok ? answer : { error: answer.error || "It did not work." };
}

function tell(text) {
  const place = document.querySelector("[data-rules-told]");
  if (place) place.textContent = text;
  else if (text) window.alert(text);
}

// Only the fields of the chosen protocol, and of the chosen default rule.
function showChosen() {
  const chosen = (name) => document.querySelector(`[name=${name}]:checked`);
  const protocol = chosen("protocol");
  if (protocol) {
    for (const each of ["sftp", "as2"]) {
      for (const block of document.querySelectorAll(`.block-${each}`)) {
        block.hidden = each !== protocol.value;
      }
    }
    const copy = document.querySelector("[name=default_rule][value=copy]");
    const label = copy && copy.closest("label");
    if (label) {
      const text = [...label.childNodes].reverse().find((node) => node.textContent.trim());
      text.textContent = ` Copy the envelope to ${protocol.value.toUpperCase()}`;
    }
  }
  const rule = chosen("default_rule");
  const reason = document.querySelector("[name=reject_reason]");
  if (rule && reason) reason.closest(".field-reject_reason, .form-row, .group").hidden = rule.value !== "autoreject";
}

function rowOf(handle) {
  return handle.closest("tbody[x-data]") || handle.closest("tr");
}

function handlesOf(group) {
  return [...document.querySelectorAll(".rule-handle")].filter((each) => each.dataset.group === group);
}

async function saveOrder(group) {
  const ids = handlesOf(group).map((each) => each.dataset.rule);
  const answer = await post(document.body.dataset.ruleOrder, { ids: ids.join(",") });
  tell(answer.error || "The new order is kept.");
}

function move(handle, step) {
  const others = handlesOf(handle.dataset.group);
  const place = others.indexOf(handle) + step;
  if (place < 0 || place >= others.length) return;
  const [row, other] = [rowOf(handle), rowOf(others[place])];
  if (step < 0) other.before(row);
  else other.after(row);
  handle.querySelector(`[data-move="${step}"]`).focus();
  saveOrder(handle.dataset.group);
}

let dragged = null;

function dragOver(event) {
  const row = event.target.closest("tr");
  const other = row && row.querySelector(".rule-handle");
  if (!dragged || !other || other === dragged || other.dataset.group !== dragged.dataset.group) return;
  event.preventDefault();
  const [mine, place] = [rowOf(dragged), rowOf(other)];
  const box = place.getBoundingClientRect();
  if (event.clientY < box.top + box.height / 2) place.before(mine);
  else place.after(mine);
}

async function flip(button) {
  button.disabled = true;
  const on = button.getAttribute("aria-checked") !== "true";
  const answer = await post(button.dataset.switch, { on: on ? "1" : "" });
  if (!answer.error) button.setAttribute("aria-checked", String(on));
  button.disabled = false;
  tell(answer.error || answer.told || "");
}

document.addEventListener("DOMContentLoaded", () => {
  const chooser = document.querySelector("[data-choose]");
  if (chooser) {
    chooser.form.querySelector("[data-choose-go]").hidden = true;
    chooser.addEventListener("change", () => chooser.value && chooser.form.submit());
  }
  const order = document.querySelector("[data-order]");
  if (order) document.body.dataset.ruleOrder = order.dataset.order;
  showChosen();
});
document.addEventListener("change", (event) => {
  if (["protocol", "default_rule"].includes(event.target.name)) showChosen();
});
document.addEventListener("click", (event) => {
  const step = event.target.closest("[data-move]");
  if (step) move(step.closest(".rule-handle"), Number(step.dataset.move));
  const button = event.target.closest("[data-switch]");
  if (button) flip(button);
});
document.addEventListener("dragstart", (event) => {
  const handle = event.target.closest && event.target.closest(".rule-handle");
  if (!handle) return;
  dragged = handle;
  event.dataTransfer.effectAllowed = "move";
  rowOf(handle).classList.add("rule-dragged");
});
document.addEventListener("dragover", dragOver);
document.addEventListener("drop", (event) => dragged && event.preventDefault());
document.addEventListener("dragend", () => {
  if (!dragged) return;
  rowOf(dragged).classList.remove("rule-dragged");
  const group = dragged.dataset.group;
  dragged = null;
  saveOrder(group);
});

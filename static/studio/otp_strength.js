/* The strength of a code beside the fields that make it, as otp/codes.py reckons it. */
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const box = document.querySelector("[data-otp-strength]");
  const { sizes, enough, short, limits } = box ? JSON.parse(box.dataset.otpStrength) : {};
  const field = (name) => document.querySelector(`[name=${name}]`);
  if (!box || !field("length")) return; // may only look
  const part = (name) => box.querySelector(`[data-${name}]`);
  const grouped = (number) => Math.floor(number).toLocaleString("en-US");

  const tighten = (isShort) => {
    for (const [name, most] of Object.entries(limits)) {
      const input = field(name);
      input.dataset.most ||= input.max;
      input.max = isShort ? most : input.dataset.most;
      if (isShort && Number(input.value) > most) {
        input.dataset.before = input.value;
        input.value = most;
      } else if (!isShort && input.dataset.before && Number(input.value) === most) {
        input.value = input.dataset.before; // it was the short code that asked for less
        delete input.dataset.before;
      }
    }
  };

  const show = () => {
    const length = Number(field("length").value);
    const bits = Math.round(length * Math.log2(sizes[field("kind").value]));
    const count = sizes[field("kind").value] ** length;
    tighten(length <= short);
    const failures = Math.max(1, Number(field("failures_per_destination_day").value));
    part("bits").textContent = bits;
    part("count").textContent = grouped(count);
    part("failures").textContent = grouped(failures);
    part("odds").textContent = grouped(count / failures);
    part("weak").hidden = bits >= enough;
    part("short").hidden = length > short;
  };

  for (const name of ["length", "kind", "failures_per_destination_day"]) {
    field(name).addEventListener("input", show);
    field(name).addEventListener("change", show);
  }
  show();
});

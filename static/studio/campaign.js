"use strict";

// The form: templates and providers of other channels are not offered.
function offerWhatFits(channel) {
  for (const option of document.querySelectorAll("[data-by-channel] option[data-channel]")) {
    const fits = option.dataset.channel === channel.value;
    option.hidden = option.disabled = !fits;
    if (!fits && option.selected) option.closest("select").value = "";
  }
}

// The live page: the chart is drawn once and fed while the panel says that the run goes on.
function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function series(label, value) {
  return { label, borderColor: value, backgroundColor: value, pointRadius: 0, borderWidth: 2, data: [] };
}

function clock(seconds) {
  const whole = Math.round(seconds);
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return parts.map((part) => String(part).padStart(2, "0")).join(":");
}

function makeChart(canvas) {
  const grid = "rgba(128, 128, 128, 0.15)";
  const axis = { grid: { color: grid }, ticks: { color: "#9ca3af", maxTicksLimit: 6 } };
  return new Chart(canvas, {
    type: "line",
    data: {
      datasets: [
        series("Sent", colour("--color-primary-500")),
        series("Failed", "#ef4444"),
        series("Waiting", "#9ca3af"),
      ],
    },
    options: {
      animation: false,
      maintainAspectRatio: false,
      interaction: { mode: "index", intersect: false },
      plugins: {
        legend: { display: true, position: "bottom", labels: { color: "#9ca3af", boxWidth: 12 } },
        tooltip: { callbacks: { title: (items) => clock(items[0].parsed.x) } },
      },
      scales: {
        x: { ...axis, type: "linear", min: 0, ticks: { ...axis.ticks, precision: 0, callback: clock } },
        y: { ...axis, beginAtZero: true, ticks: { ...axis.ticks, precision: 0 } },
      },
    },
  });
}

async function feed(chart, url) {
  const answer = await fetch(url, { credentials: "same-origin" });
  if (!answer.ok) return;
  const { points } = await answer.json();
  chart.data.datasets.forEach((dataset, index) => {
    dataset.data = points.map((point) => ({ x: point[0], y: point[index + 1] }));
  });
  chart.update();
}

document.addEventListener("DOMContentLoaded", () => {
  const channel = document.getElementById("id_channel_type");
  if (channel) {
    offerWhatFits(channel);
    channel.addEventListener("change", () => offerWhatFits(channel));
  }
  const canvas = document.getElementById("campaign-chart");
  if (canvas) {
    const chart = makeChart(canvas);
    feed(chart, canvas.dataset.url);
    document.body.addEventListener("htmx:afterSwap", () => feed(chart, canvas.dataset.url));
  }
});

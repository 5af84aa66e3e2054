"use strict";

// Shared by all charts: data, colours, numbers, zoom by wheel, keyboard and buttons.
const dataOf = (name) => document.getElementById(name).content.textContent;
const report = JSON.parse(dataOf("charts"));
const root = document.documentElement;
const paperWidth = 680;
const charts = [];

// A chart asks for its colours at each tick of its axes; each time the browser would style the page.
const colours = new Map();

function colour(name) {
  if (!colours.has(name)) colours.set(name, getComputedStyle(root).getPropertyValue(`--${name}`).trim());
  return colours.get(name);
}

function shownNumber(value, decimals) {
  const options = { minimumFractionDigits: decimals, maximumFractionDigits: decimals };
  return value.toLocaleString("en", options).replace("-", "\u2212");
}

function shownPrice(value) {
  const text = value.toLocaleString("en", { maximumSignificantDigits: 7 });
  return text.replace("-", "\u2212");
}

function shownPercent(ratio) {
  return `${(100 * ratio).toFixed(2).replace("-", "\u2212")} %`;
}

// As short as the value allows, for an axis.
function percentTick(ratio) {
  return `${+(100 * ratio).toFixed(2)} %`.replace("-", "\u2212");
}

function shownInstant(seconds) {
  return `${new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

const axisFont = "12px system-ui";

function axis(options) {
  const grid = { stroke: () => colour("grid"), width: 1 };
  return { stroke: () => colour("quiet"), grid, ticks: grid, font: axisFont, ...options };
}

function utcDate(seconds) {
  return uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC");
}

// Days, or hours and minutes, with the date where it changes.
function timeLabels(plot, ticks, index, space, step) {
  let before = "";
  return ticks.map((tick) => {
    const [day, clock] = new Date(tick * 1000).toISOString().split("T");
    const isNew = day !== before;
    before = day;
    if (step >= 86400) return day.slice(5);
    return isNew ? `${clock.slice(0, 5)}\n${day.slice(5)}` : clock.slice(0, 5);
  });
}

// Wide enough for the longest label; the labels of charts that lie below each other align.
const valueAxisWidth = 76;

function sharedOptions(width, height) {
  const legend = { live: true };
  return { width, height, tzDate: utcDate, legend, padding: [8, 20, 0, 0] };
}

function widthOf(element) {
  return "printing" in root.dataset ? paperWidth : Math.max(element.clientWidth, 240);
}

function span(plot) {
  const times = plot.data[0];
  return [times[0], times[times.length - 1]];
}

// Shows the time from `min` to `max`, within the data, and never less than `least` seconds.
function show(plot, min, max, least) {
  const [first, last] = span(plot);
  const length = Math.min(Math.max(max - min, least), last - first);
  const start = Math.min(Math.max((min + max - length) / 2, first), last - length);
  plot.setScale("x", { min: start, max: start + length });
}

function zoom(plot, factor, centre, least) {
  const { min, max } = plot.scales.x;
  const at = centre ?? (min + max) / 2;
  show(plot, at - (at - min) * factor, at + (max - at) * factor, least);
}

function pan(plot, share, least) {
  const { min, max } = plot.scales.x;
  const step = (max - min) * share;
  const [first, last] = span(plot);
  const moved = step < 0 ? Math.max(step, first - min) : Math.min(step, last - max);
  show(plot, min + moved, max + moved, least);
}

function isWhole(plot) {
  const [first, last] = span(plot);
  return plot.scales.x.max - plot.scales.x.min >= last - first;
}

function addWheel(plot, least) {
  plot.over.addEventListener(
    "wheel",
    (event) => {
      // At its full length a chart lets the page scroll on.
      if (!event.deltaX && event.deltaY > 0 && isWhole(plot)) return;
      event.preventDefault();
      if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
        pan(plot, Math.sign(event.deltaX) * 0.05, least);
        return;
      }
      const centre = plot.posToVal(event.offsetX, "x");
      zoom(plot, event.deltaY < 0 ? 0.8 : 1.25, centre, least);
    },
    { passive: false },
  );
}

function act(plot, action, least) {
  const actions = {
    in: () => zoom(plot, 0.6, null, least),
    out: () => zoom(plot, 1 / 0.6, null, least),
    left: () => pan(plot, -0.25, least),
    right: () => pan(plot, 0.25, least),
    whole: () => show(plot, ...span(plot), least),
  };
  actions[action]();
}

const keys = {
  "+": "in",
  "=": "in",
  "-": "out",
  ArrowLeft: "left",
  ArrowRight: "right",
  Home: "whole",
  0: "whole",
};

function addKeys(element, perform) {
  element.addEventListener("keydown", (event) => {
    const action = keys[event.key];
    if (!action || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    perform(action);
  });
}

function addButtons(element, perform) {
  for (const button of element.querySelectorAll("button[data-action]")) {
    button.addEventListener("click", () => perform(button.dataset.action));
  }
}

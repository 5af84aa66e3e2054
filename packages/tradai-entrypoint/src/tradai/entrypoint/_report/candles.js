// Draws the candles of a pair with its trades.
async function unpackCandles() {
  const packed = atob(dataOf("candles"));
  const bytes = Uint8Array.from(packed, (letter) => letter.charCodeAt(0));
  const unpacked = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  // Numbers of four bytes, the lowest first, as all browsers of today have them in memory.
  const buffer = await new Response(unpacked).arrayBuffer();
  let offset = 0;
  const column = (count, Numbers) => {
    const values = new Numbers(buffer, offset, count);
    offset += values.byteLength;
    return values;
  };
  return report.pairs.map(([pair, count, short, long]) => {
    let at = 0;
    const opened = column(count, Uint32Array).map((step) => (at += step));
    const lengths = column(count, Uint32Array);
    const values = [1, 2, 3, 4, 5].map(() => column(count, Float32Array));
    return { pair, short, long, lengths, data: [opened, ...values] };
  });
}

const trade = { pair: 0, opened: 1, entry: 2, closed: 3, exit: 4, firstStop: 5, lastStop: 6 };
const [tradeProfit, tradeRatio, tradeTag, tradeReason, tradeShort] = [7, 8, 9, 10, 11];

function candlePainter(candles, trades, chosen) {
  const most = densest(candles);
  return (plot) => {
    const { ctx, bbox } = plot;
    const { x: times, y: prices } = plot.scales;
    const [wide, tall] = [bbox.width / (times.max - times.min), bbox.height / (prices.max - prices.min)];
    const x = (time) => bbox.left + (time - times.min) * wide;
    const y = (price) => bbox.top + (prices.max - price) * tall;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    paintCandles(plot, candles, most, x, y);
    paintTrades(plot, trades, chosen(), x, y);
    ctx.restore();
  };
}

function paintCandles(plot, { lengths, data }, most, x, y) {
  const { ctx, bbox } = plot;
  const [opened, open, high, low, close, volume] = data;
  const [from, to] = visible(plot, opened, lengths);
  const tones = { true: colour("good"), false: colour("bad") };
  const floor = bbox.top + bbox.height;
  for (let i = from; i <= to; i += 1) {
    const left = x(opened[i]);
    const space = x(opened[i] + lengths[i]) - left;
    const width = Math.max(space * 0.72, 1);
    const middle = left + space / 2;
    ctx.fillStyle = tones[close[i] >= open[i]];
    ctx.globalAlpha = 0.25;
    // Volume per time, so that a long candle does not tower above a short one.
    const tall = Math.min(volume[i] / lengths[i] / most, 1) * 0.2 * bbox.height;
    ctx.fillRect(middle - width / 2, floor - tall, width, tall);
    ctx.globalAlpha = 1;
    ctx.fillRect(Math.round(middle), y(high[i]), 1, Math.max(y(low[i]) - y(high[i]), 1));
    const top = y(Math.max(open[i], close[i]));
    ctx.fillRect(middle - width / 2, top, width, Math.max(y(Math.min(open[i], close[i])) - top, 1));
  }
}

function visible(plot, opened, lengths) {
  const { min, max } = plot.scales.x;
  let from = 0;
  let to = opened.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    if (opened[middle] + lengths[middle] < min) from = middle + 1;
    else to = middle;
  }
  let last = from;
  while (last + 1 < opened.length && opened[last + 1] <= max) last += 1;
  return [from, last];
}

function paintTrades(plot, trades, chosen, x, y) {
  const { min, max } = plot.scales.x;
  const { ctx } = plot;
  const scale = devicePixelRatio || 1;
  const shown = trades.filter((each) => each[trade.closed] >= min && each[trade.opened] <= max);
  const size = (shown.length > 60 ? 4 : 8) * scale;
  const names = ["good", "bad", "accent", "note-rule", "sheet"];
  const tones = Object.fromEntries(names.map((name) => [name, colour(name)]));
  for (const each of shown) {
    const won = each[tradeProfit] >= 0;
    const [left, right] = [x(each[trade.opened]), x(each[trade.closed])];
    ctx.globalAlpha = chosen && chosen !== each ? 0.5 : 1;
    ctx.strokeStyle = tones[won ? "good" : "bad"];
    ctx.lineWidth = (chosen === each ? 2.5 : 1.25) * scale;
    line(ctx, [left, y(each[trade.entry]), right, y(each[trade.exit])], []);
    ctx.strokeStyle = tones["note-rule"];
    ctx.lineWidth = 1.25 * scale;
    const stops = new Set([each[trade.firstStop], each[trade.lastStop]]);
    for (const stop of shown.length > 60 ? [] : stops) {
      if (stop) line(ctx, [left, y(stop), right, y(stop)], [5 * scale, 3 * scale]);
    }
    const up = each[tradeShort] ? -1 : 1;
    ctx.fillStyle = tones.accent;
    triangle(ctx, left, y(each[trade.entry]), up * size, tones.sheet);
    ctx.fillStyle = tones[won ? "good" : "bad"];
    triangle(ctx, right, y(each[trade.exit]), -up * size, tones.sheet);
  }
  ctx.globalAlpha = 1;
}

function line(ctx, [x0, y0, x1, y1], dash) {
  ctx.setLineDash(dash);
  ctx.beginPath();
  ctx.moveTo(x0, y0);
  ctx.lineTo(x1, y1);
  ctx.stroke();
  ctx.setLineDash([]);
}

// Its tip is at the price; the sheet's colour around it keeps it apart from candles.
function triangle(ctx, x, y, size, edge) {
  ctx.beginPath();
  ctx.moveTo(x, y);
  ctx.lineTo(x - Math.abs(size), y + 1.7 * size);
  ctx.lineTo(x + Math.abs(size), y + 1.7 * size);
  ctx.closePath();
  ctx.fill();
  ctx.strokeStyle = edge;
  ctx.lineWidth = 1;
  ctx.stroke();
}

async function addCandles() {
  const place = document.getElementById("candle-chart");
  if (!place) return null;
  const sets = await unpackCandles();
  const note = document.getElementById("trade-note");
  const choice = document.getElementById("candle-pair");
  const toolbar = document.getElementById("candle-tools");
  let [plot, chosen, set] = [null, null, sets[0]];
  const least = () => 20 * set.short;
  const tradesOf = (pair) => report.trades.filter((each) => each[trade.pair] === pair);

  function draw() {
    const old = plot && { ...plot.scales.x };
    plot?.destroy();
    plot = new uPlot(candleOptions(place, set, tradesOf(set.pair), () => chosen), set.data, place);
    addWheel(plot, least());
    if (old?.of === set.pair) plot.setScale("x", old);
  }

  function choosePair(pair) {
    set = sets.find((each) => each.pair === pair);
    chosen = null;
    choice.value = pair;
    note.textContent = resolutionNote(set);
    draw();
  }

  function chooseTrade(each) {
    if (each[trade.pair] !== set.pair) choosePair(each[trade.pair]);
    chosen = each;
    const length = each[trade.closed] - each[trade.opened];
    const margin = Math.max(length * 0.4, 20 * set.short);
    show(plot, each[trade.opened] - margin, each[trade.closed] + margin, least());
    note.textContent = tradeSentence(each);
  }

  function step(direction) {
    const trades = tradesOf(set.pair);
    if (!trades.length) return;
    const here = chosen ? trades.indexOf(chosen) : placeAmong(trades, direction);
    chooseTrade(trades[Math.min(Math.max(here + direction, 0), trades.length - 1)]);
  }

  // With all of the time in view, before the first trade or after the last; else at the middle.
  function placeAmong(trades, direction) {
    if (isWhole(plot)) return direction > 0 ? -1 : trades.length;
    const { min, max } = plot.scales.x;
    const after = trades.findIndex((each) => each[trade.opened] > (min + max) / 2);
    return (after < 0 ? trades.length : after) - (direction > 0);
  }

  function forgetTrade() {
    chosen = null;
    note.textContent = resolutionNote(set);
    plot.redraw(false);
  }

  function perform(action) {
    if (action === "next" || action === "previous") step(action === "next" ? 1 : -1);
    else act(plot, action, least());
    if (action === "whole") forgetTrade();
  }

  choosePair(sets[0].pair);
  toolbar.hidden = false;
  choice.addEventListener("change", () => choosePair(choice.value));
  Object.assign(keys, { n: "next", p: "previous" });
  addKeys(place, perform);
  place.addEventListener("dblclick", forgetTrade);
  addButtons(toolbar, perform);
  const resize = () => plot.setSize({ width: widthOf(place), height: plot.height });
  const redraw = () => {
    const { min, max } = plot.scales.x;
    draw();
    plot.setScale("x", { min, max });
  };
  charts.push({ draw: redraw, place, resize });
  return (each) => {
    chooseTrade(each);
    place.scrollIntoView({ block: "center" });
    place.focus({ preventScroll: true });
  };
}

function candleOptions(place, set, trades, chosen) {
  const hidden = (label, format) => ({
    label,
    scale: "y",
    paths: () => null,
    points: { show: false },
    stroke: () => colour("quiet"),
    value: (_, value) => (value === null ? "" : format(value)),
  });
  const volume = { ...hidden("Volume", shownPrice), scale: "volume" };
  return {
    ...sharedOptions(widthOf(place), 420),
    legend: { live: true, markers: { show: false } },
    cursor: { drag: { x: true, y: false }, points: { show: false } },
    scales: {
      y: { range: (plot, min, max) => priceRange(plot, min, max, trades) },
    },
    series: [
      { label: "Candle", value: (_, at) => (at === null ? "" : shownInstant(at)) },
      ...["Open", "High", "Low", "Close"].map((label) => hidden(label, shownPrice)),
      volume,
    ],
    axes: [axis({ values: timeLabels, space: 64 }), axis({ size: priceAxisWidth, values: (_, ticks) => ticks.map(shownPrice) })],
    hooks: { draw: [candlePainter(set, trades, chosen)] },
  };
}

// A price of little value has many digits.
function priceAxisWidth({ ctx }, labels) {
  ctx.save();
  ctx.font = axisFont;
  // Beside a label there are its tick and a gap.
  const widths = (labels ?? []).map((label) => ctx.measureText(label).width + 20);
  ctx.restore();
  return Math.ceil(Math.max(valueAxisWidth, ...widths));
}

// Prices and stops in view, with room for the volume below them.
function priceRange(plot, min, max, trades) {
  const [first, last] = plot.series[0].idxs.map((index) => plot.data[0][index]);
  const shown = trades.filter((each) => each[trade.closed] >= first && each[trade.opened] <= last);
  const few = shown.length > 12 ? [] : shown;
  const stops = few.flatMap((each) => [each[trade.firstStop], each[trade.lastStop]]).filter(Boolean);
  const [low, high] = [Math.min(min, ...stops), Math.max(max, ...stops)];
  const space = high - low || Math.abs(high) || 1;
  return [low - 0.25 * space, high + 0.05 * space];
}

// Volume per second that only the thickest hundredth of all candles exceeds.
function densest({ lengths, data }) {
  const rates = data[5].map((volume, i) => volume / lengths[i]).sort((a, b) => a - b);
  return rates[Math.floor(0.99 * (rates.length - 1))] || 1;
}

function resolutionNote({ short, long }) {
  const around = `Candles of ${shownLength(short)} around trades`;
  return long > short ? `${around}, of ${shownLength(long)} elsewhere.` : `Candles of ${shownLength(short)}.`;
}

function shownLength(seconds) {
  const units = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  const [size, unit] = units.find(([each]) => seconds % each === 0);
  return `${seconds / size} ${unit}`;
}

function tradeSentence(each) {
  const number = report.trades.indexOf(each) + 1;
  const tag = each[tradeTag] ? `, tag ${each[tradeTag]}` : "";
  return (
    `Trade ${number}: ${each[trade.pair]}${each[tradeShort] ? " short" : ""}, ` +
    `${shownInstant(each[trade.opened])} to ${shownInstant(each[trade.closed])}, ` +
    `${shownPercent(each[tradeRatio])} (${each[tradeReason]}${tag}).`
  );
}

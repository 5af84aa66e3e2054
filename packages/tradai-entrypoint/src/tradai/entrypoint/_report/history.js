// Draws the rolling Sharpe ratio, and the profit of each pair over time.
function addLines(place, times, lines, format) {
  let plot = null;

  function draw() {
    plot?.destroy();
    const series = lines.map(([label, stroke, paths]) => ({
      label,
      stroke,
      width: 1.5,
      points: { show: false },
      paths,
      value: (_, value) => (value === null ? "" : format(value)),
    }));
    const options = {
      ...sharedOptions(widthOf(place), 240),
      cursor: { drag: { x: true, y: false } },
      series: [{ value: (_, at) => (at === null ? "" : shownInstant(at)), label: "Time" }, ...series],
      axes: [
        axis({ values: timeLabels, space: 64 }),
        axis({ size: valueAxisWidth, values: (_, ticks) => ticks.map((tick) => shownPrice(tick)) }),
      ],
    };
    plot = new uPlot(options, [times, ...lines.map((each) => each[3])], place);
    addWheel(plot, 3600);
  }

  draw();
  addKeys(place, (action) => act(plot, action, 3600));
  const resize = () => plot.setSize({ width: widthOf(place), height: plot.height });
  charts.push({ draw, place, resize });
}

function addSharpe() {
  const place = document.getElementById("sharpe-chart");
  if (!place) return;
  const [times, ratios] = report.sharpe;
  addLines(place, times, [["Sharpe ratio", () => colour("accent"), undefined, ratios]], (value) => shownNumber(value, 2));
}

const mostCurves = 8;

function addPairs() {
  const place = document.getElementById("pair-chart");
  if (!place) return;
  const [, first] = report.trades.reduce((early, each) => (each[trade.opened] < early[trade.opened] ? each : early));
  const closed = [...report.trades].sort((a, b) => a[trade.closed] - b[trade.closed]);
  const times = [...new Set([first, ...closed.map((each) => each[trade.closed])])];
  const curves = new Map();
  for (const each of closed) {
    const curve = curves.get(each[trade.pair]) ?? curves.set(each[trade.pair], new Map()).get(each[trade.pair]);
    curve.set(each[trade.closed], (curve.get(each[trade.closed]) ?? 0) + each[tradeProfit]);
  }
  const rows = [...curves].map(([pair, changes]) => {
    let sum = 0;
    return { pair, values: times.map((time) => (sum += changes.get(time) ?? 0)), total: Math.abs(sum) };
  });
  const most = rows.sort((a, b) => b.total - a.total).slice(0, mostCurves);
  const stepped = uPlot.paths.stepped({ align: 1 });
  const lines = most.map(({ pair, values }, i) => [pair, () => pairColour(i), stepped, values]);
  addLines(place, times, lines, (value) => shownNumber(value, report.decimals));
}

// Colours as far apart as possible, dark enough on a light sheet and light enough on a dark one.
function pairColour(i) {
  const light = getComputedStyle(root).colorScheme === "dark" ? 68 : 40;
  return `hsl(${(215 + i * 137.5) % 360} 60% ${light}%)`;
}

// Draws the value of the account, the closed balance and the market, and the drawdown below.
function addBalance() {
  const place = document.getElementById("chart");
  const { times, curves, fall } = balanceColumns();
  const sync = uPlot.sync("balance");
  const cursor = { sync: { key: sync.key, scales: ["x", null] }, drag: { x: true, y: false } };
  const least = 3600;
  let plots = [];

  function follow(plot) {
    for (const each of plots) {
      const { min, max } = each.scales.x;
      if (each !== plot && (min !== plot.scales.x.min || max !== plot.scales.x.max)) {
        each.setScale("x", { min: plot.scales.x.min, max: plot.scales.x.max });
      }
    }
  }

  function make(series, data, height, yAxis) {
    const options = {
      ...sharedOptions(widthOf(place), height),
      cursor,
      series: [{ value: (_, at) => (at === null ? "" : shownInstant(at)), label: "Time" }, ...series],
      axes: [axis({ values: timeLabels, space: 64 }), axis({ size: valueAxisWidth, ...yAxis })],
      hooks: { setScale: [(plot, key) => key === "x" && follow(plot)] },
    };
    const plot = new uPlot(options, [times, ...data], place);
    addWheel(plot, least);
    return plot;
  }

  function draw() {
    for (const plot of plots) plot.destroy();
    const amount = (_, value) => (value === null ? "" : shownNumber(value, report.decimals));
    const ticks = (_, values) => values.map((value) => value.toLocaleString("en"));
    const lines = curves.map(([label, name, width, dash]) => ({
      label,
      stroke: () => colour(name),
      width,
      dash,
      points: { show: false },
      spanGaps: true,
      value: amount,
      paths: label === "Market" ? undefined : uPlot.paths.stepped({ align: 1 }),
    }));
    const falling = {
      label: "Drawdown",
      stroke: () => colour("bad"),
      fill: () => colour("bad-wash"),
      width: 1,
      points: { show: false },
      value: (_, value) => (value === null ? "" : shownPercent(value)),
      paths: uPlot.paths.stepped({ align: 1 }),
    };
    const percents = (_, values) => values.map(percentTick);
    plots = [];
    plots.push(make(lines, curves.map((curve) => curve[4]), 300, { values: ticks }));
    plots.push(make([falling], [fall], 150, { values: percents }));
  }

  draw();
  addKeys(place, (action) => act(plots[0], action, least));
  charts.push({ draw, place, resize: () => plots.forEach((p) => p.setSize({ width: widthOf(place), height: p.height })) });
}

// One time axis for the curves, which have their own times.
function balanceColumns() {
  const [closedAt, closed, closedFall] = report.balance;
  if (!report.equity.length) {
    return { times: closedAt, curves: [["Balance", "accent", 1.75, [], closed]], fall: closedFall };
  }
  const [at, equity, fall, market] = report.equity;
  const curves = [
    ["Account", "accent", 1.75, [], equity],
    ["Closed trades", "good", 1, [4, 3], stepsAt(at, closedAt, closed)],
  ];
  if (market[0] !== null) curves.push(["Market", "quiet", 1, [], market]);
  return { times: at, curves, fall };
}

function stepsAt(at, times, values) {
  let next = 0;
  return at.map((time) => {
    while (next + 1 < times.length && times[next + 1] <= time) next += 1;
    return values[next];
  });
}

// Draws the charts of curves, each on one axis.
const curveDashes = [[], [6, 4], [2, 3]];
const curveColours = 6;
const wholeSteps = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000];

function curveValue(chart, value) {
  if (chart.percent) return shownPercent(value);
  return chart.decimals === undefined ? shownPrice(value) : shownNumber(value, chart.decimals);
}

function addCurves(chart) {
  const place = document.getElementById(chart.name);
  if (!place) return;
  const [times, ...columns] = uPlot.join(chart.curves.map(([, , at, values]) => [at, values]));
  const least = chart.axis ? 1 : 3600;
  let plot = null;

  function draw() {
    plot?.destroy();
    const shown = (_, value) => (value === null || value === undefined ? "" : curveValue(chart, value));
    const at = (_, x) => (x === null ? "" : chart.axis ? `${x}` : shownInstant(x));
    const ticks = (_, values) => values.map(chart.percent ? percentTick : shownPrice);
    const lines = chart.curves.map(([label, style], index) => ({
      label,
      stroke: () => colour(`curve-${(index % curveColours) + 1}`),
      width: style === "points" ? 0 : 1.75,
      dash: curveDashes[Math.floor(index / curveColours) % curveDashes.length],
      points: style === "points" ? { show: true, size: 5, fill: () => colour("quiet"), stroke: () => colour("quiet") } : { show: false },
      spanGaps: !chart.hasGaps,
      value: shown,
      paths: style === "line" ? undefined : style === "steps" ? uPlot.paths.stepped({ align: 1 }) : () => null,
    }));
    const options = {
      ...sharedOptions(widthOf(place), chart.height ?? 300),
      scales: { x: { time: !chart.axis } },
      cursor: { drag: { x: true, y: false } },
      series: [{ label: chart.axis || "Time", value: at }, ...lines],
      axes: [axis(chart.axis ? { incrs: wholeSteps } : { values: timeLabels, space: 64 }), axis({ size: valueAxisWidth, values: ticks })],
    };
    plot = new uPlot(options, [times, ...columns], place);
    addWheel(plot, least);
  }

  draw();
  addKeys(place, (action) => act(plot, action, least));
  charts.push({ draw, place, resize: () => plot.setSize({ width: widthOf(place), height: plot.height }) });
}

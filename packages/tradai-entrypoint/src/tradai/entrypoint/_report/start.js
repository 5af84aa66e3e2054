// Draws all charts, and draws them again when colours or widths change. The candles, below the first
// screen, are drawn once the page is open.
const whenIdle = window.requestIdleCallback ?? setTimeout;

(async () => {
  let showTrade = null;
  try {
    if (document.getElementById("chart")) addBalance();
    for (const each of report.curves ?? []) addCurves(each);
    await new Promise((resume) => whenIdle(resume));
    showTrade = await addCandles();
  } catch (error) {
    console.error(error);
    for (const place of document.querySelectorAll(".chart")) place.hidden = true;
    document.getElementById("chart-failed")?.removeAttribute("hidden");
  }
  addTrades(showTrade);
  const redraw = () => charts.forEach((chart) => chart.draw());
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  for (const chart of charts) new ResizeObserver(() => chart.resize()).observe(chart.place);
  addEventListener("beforeprint", () => {
    root.dataset.printing = "";
    redraw();
  });
  addEventListener("afterprint", () => {
    delete root.dataset.printing;
    redraw();
  });
})();

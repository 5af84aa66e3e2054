// Draws all charts, and draws them again when colours or widths change. What lies below the first
// screen is made once the page is open.
const whenIdle = window.requestIdleCallback ?? ((resume) => setTimeout(resume));

async function opened() {
  if (document.readyState !== "complete") {
    await new Promise((resume) => addEventListener("load", resume, { once: true }));
  }
  await new Promise((resume) => whenIdle(resume, { timeout: 250 }));
}

(async () => {
  let showTrade = null;
  addEventListener("beforeprint", addLaterTrades);
  try {
    if (document.getElementById("chart")) addBalance();
    for (const each of report.curves ?? []) addCurves(each);
    await opened();
    showTrade = await addCandles();
    addSharpe();
    addPairs();
  } catch (error) {
    console.error(error);
    for (const place of document.querySelectorAll(".chart")) place.hidden = true;
    document.getElementById("chart-failed")?.removeAttribute("hidden");
  }
  addTrades(showTrade);
  const redraw = () => {
    colours.clear();
    charts.forEach((chart) => chart.draw());
  };
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

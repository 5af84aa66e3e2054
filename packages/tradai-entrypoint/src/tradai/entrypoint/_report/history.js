// Draws the rolling Sharpe ratio, and the profit of each pair over time.
const historyHeight = 240;

function addSharpe() {
  if (!document.getElementById("sharpe-chart")) return;
  const [times, ratios] = report.sharpe;
  const curves = [["Sharpe ratio", "line", times, ratios]];
  addCurves({ name: "sharpe-chart", height: historyHeight, decimals: 2, hasGaps: true, curves });
}

const mostCurves = 8;

function addPairs() {
  if (!document.getElementById("pair-chart")) return;
  const [, first] = report.trades.reduce((early, each) => (each[trade.opened] < early[trade.opened] ? each : early));
  const closed = [...report.trades].sort((a, b) => a[trade.closed] - b[trade.closed]);
  const times = [...new Set([first, ...closed.map((each) => each[trade.closed])])];
  const changes = new Map();
  for (const each of closed) {
    const ofPair = changes.get(each[trade.pair]) ?? changes.set(each[trade.pair], new Map()).get(each[trade.pair]);
    ofPair.set(each[trade.closed], (ofPair.get(each[trade.closed]) ?? 0) + each[tradeProfit]);
  }
  const rows = [...changes].map(([pair, ofPair]) => {
    let sum = 0;
    return { pair, values: times.map((time) => (sum += ofPair.get(time) ?? 0)), total: Math.abs(sum) };
  });
  const most = rows.sort((a, b) => b.total - a.total).slice(0, mostCurves);
  const curves = most.map(({ pair, values }) => [pair, "steps", times, values]);
  addCurves({ name: "pair-chart", height: historyHeight, decimals: report.decimals, curves });
}

// Moves the rows that the browser has read as text until now into the list.
function addLaterTrades() {
  const later = document.getElementById("later-trades");
  if (!later) return;
  const parsed = document.createElement("template");
  parsed.innerHTML = later.textContent;
  document.querySelector("table.trades tbody").append(...parsed.content.querySelectorAll("tr"));
  later.remove();
}

// Sorts and filters the list of trades.
function addTrades(showTrade) {
  const table = document.querySelector("table.trades");
  const filters = document.getElementById("trade-filters");
  if (!table) return;
  const body = table.tBodies[0];
  addLaterTrades();
  const rows = [...body.rows];
  const count = document.getElementById("trade-count");
  const selects = [...filters.querySelectorAll("select")];
  const column = { number: -1, pair: 0, tag: 9, reason: 10, side: 11, leverage: 12, opened: 1, closed: 3, entry: 2, exit: 4, profit: 7, ratio: 8 };
  const valueOf = (row, name) => {
    const number = Number(row.dataset.trade);
    const each = report.trades[number];
    if (name === "number") return number;
    if (name === "time") return each[trade.closed] - each[trade.opened];
    return each[column[name]];
  };

  function filter() {
    let shown = 0;
    for (const row of rows) {
      row.hidden = selects.some((s) => s.value !== "*" && `=${valueOf(row, s.name)}` !== s.value);
      shown += !row.hidden;
    }
    const total = rows.filter((row) => !row.hidden).reduce((sum, row) => sum + valueOf(row, "profit"), 0);
    count.textContent = `${shown} of ${rows.length} trades, ${shownNumber(total, report.decimals)} ${report.currency}`;
  }

  function sort(head) {
    const up = head.ariaSort !== "ascending";
    for (const each of table.tHead.rows[0].cells) each.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const name = head.dataset.sort;
    const order = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
    rows.sort((a, b) => (up ? 1 : -1) * order(valueOf(a, name), valueOf(b, name)));
    body.append(...rows);
  }

  for (const head of table.querySelectorAll("th[data-sort]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => sort(head));
  }
  for (const select of selects) select.addEventListener("change", filter);
  filters.hidden = false;
  filter();
  if (!showTrade) return;
  for (const row of rows) {
    const name = row.cells[0];
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = name.textContent;
    button.setAttribute("aria-label", `Show trade ${name.textContent} in the chart`);
    name.replaceChildren(button);
    button.addEventListener("click", () => showTrade(report.trades[Number(row.dataset.trade)]));
  }
}

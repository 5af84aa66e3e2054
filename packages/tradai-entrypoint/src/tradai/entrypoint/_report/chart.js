"use strict";

// Unpacks the chart library this page carries, and draws the balance and its drawdown with it.
(async () => {
  const root = document.documentElement;
  const chart = document.getElementById("chart");
  const curve = JSON.parse(document.getElementById("curve").textContent);
  const paperWidth = 680;

  async function unpackLibrary() {
    const packed = atob(document.getElementById("library").textContent);
    const bytes = new Uint8Array(packed.length);
    for (let i = 0; i < packed.length; i += 1) bytes[i] = packed.charCodeAt(i);
    const unpacked = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    const script = document.createElement("script");
    script.textContent = await new Response(unpacked).text();
    document.head.append(script);
  }

  function colours() {
    const style = getComputedStyle(root);
    return (name) => style.getPropertyValue(`--${name}`).trim();
  }

  function traces(colour) {
    const step = { x: curve.at, type: "scatter", mode: "lines" };
    return [
      {
        ...step,
        y: curve.balance,
        line: { shape: "hv", width: 1.75, color: colour("accent") },
        hovertemplate: `%{y:,.${curve.decimals}f} ${escapeMarkup(curve.currency)}<extra></extra>`,
      },
      {
        ...step,
        y: curve.drawdown,
        yaxis: "y2",
        line: { shape: "hv", width: 1.25, color: colour("bad") },
        fill: "tozeroy",
        fillcolor: colour("bad-wash"),
        text: curve.drawdown.map((fall) => `${(100 * fall).toFixed(2).replace("-", "\u2212")} %`),
        hovertemplate: "%{text} drawdown<extra></extra>",
      },
    ];
  }

  // Plotly reads a little HTML in its labels.
  function escapeMarkup(text) {
    return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll("%{", "% {");
  }

  function layout(colour, width) {
    const axis = {
      gridcolor: colour("grid"),
      linecolor: colour("rule"),
      zeroline: false,
      automargin: true,
    };
    const title = (text, y) => ({
      text,
      x: 0,
      y,
      xref: "paper",
      yref: "paper",
      xanchor: "left",
      yanchor: "bottom",
      showarrow: false,
      font: { size: 12, color: colour("quiet") },
    });
    return {
      width,
      autosize: width === undefined,
      uirevision: "keep the zoom when colours change",
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: colour("sheet"),
      font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: colour("quiet") },
      margin: { l: 8, r: 12, t: 28, b: 8 },
      showlegend: false,
      hovermode: "x unified",
      hoversubplots: "axis",
      hoverlabel: {
        bgcolor: colour("sheet"),
        bordercolor: colour("rule"),
        font: { size: 13, color: colour("text") },
      },
      // A finger must be able to scroll the page past the chart.
      dragmode: matchMedia("(pointer: coarse)").matches ? false : "zoom",
      xaxis: {
        ...axis,
        type: "date",
        anchor: "y2",
        showgrid: false,
        showline: true,
        hoverformat: "%Y-%m-%d %H:%M UTC",
        spikethickness: 1,
        spikedash: "solid",
        spikecolor: colour("quiet"),
      },
      yaxis: { ...axis, domain: [0.38, 1], tickformat: `,.${curve.decimals}~f`, nticks: 6 },
      yaxis2: { ...axis, domain: [0, 0.28], tickformat: ".2~%", nticks: 4, rangemode: "tozero" },
      annotations: [title(`Balance, ${escapeMarkup(curve.currency)}`, 1), title("Drawdown", 0.28)],
      shapes: [
        {
          type: "line",
          xref: "paper",
          x0: 0,
          x1: 1,
          y0: curve.balance[0],
          y1: curve.balance[0],
          line: { color: colour("quiet"), width: 1, dash: "dot" },
        },
      ],
    };
  }

  function draw(width) {
    const colour = colours();
    const config = { displayModeBar: false, responsive: true, doubleClick: "reset" };
    return Plotly.react(chart, traces(colour), layout(colour, width), config);
  }

  try {
    await unpackLibrary();
    await draw();
  } catch (error) {
    console.error(error);
    chart.hidden = true;
    document.getElementById("chart-failed").hidden = false;
    return;
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => draw());
  addEventListener("beforeprint", () => {
    root.dataset.printing = "";
    draw(paperWidth);
  });
  addEventListener("afterprint", () => {
    delete root.dataset.printing;
    draw();
  });
})();

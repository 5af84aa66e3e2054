"""Part of the report of a hyperopt: epochs, best parameters, loss over time, importance."""

import json
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Final

from tradai.entrypoint._report.curves import Curve, CurveChart
from tradai.entrypoint._report.figures import fall
from tradai.entrypoint._report.formatting import counted, percent, plain, result_text
from tradai.entrypoint._report.html import Markup, element, joined
from tradai.entrypoint._report.model import Figure, ReportSection, RunReportParts
from tradai.entrypoint._report.tables import plain_table, share_bar, tone_of
from tradai.entrypoint._store.names import EPOCHS_NAME
from tradai.entrypoint.freqtrade._pages.importance import FEWEST_EPOCHS, METHOD, importances
from tradai.entrypoint.freqtrade._results.epochs import Epoch

# A page with all of thousands of epochs is slow; the file has them.
MOST_ROWS: Final = 200
# Below this many trades a result is mostly chance.
FEW_TRADES: Final = 30


def epochs_parts(epochs: Sequence[Epoch]) -> RunReportParts | None:
    """Return the parts of the report that show `epochs`, in the order they ended; None for none."""
    if not epochs:
        return None
    ranked = rank(epochs)
    chart = _chart(epochs) if len(ranked) > 1 else None
    return RunReportParts(
        highlights=tuple(_highlights(epochs, ranked)),
        figures=tuple(_figures(epochs, ranked)),
        curves=(chart,) if chart else (),
        sections=tuple(_sections(epochs, ranked, chart)),
    )


def rank(epochs: Sequence[Epoch]) -> list[Epoch]:
    """Return the epochs that the engine ranked, the best first."""
    ranked = (epoch for epoch in epochs if epoch.is_ranked)
    return sorted(ranked, key=lambda epoch: (epoch.loss, epoch.number))


def few_trades_warning(best: Epoch) -> str | None:
    """Return a warning when the best epoch rests on few trades."""
    if best.trades >= FEW_TRADES:
        return None
    made = counted(best.trades, "trade")
    return (
        f"the best epoch made {made}: with fewer than {FEW_TRADES}, its result is mostly "
        "chance; widen the time range or the pairs before you use it"
    )


def _highlights(epochs: Sequence[Epoch], ranked: Sequence[Epoch]) -> Iterator[Figure]:
    if ranked:
        best = ranked[0]
        yield Figure("Best epoch", str(best.number))
        yield Figure("Its loss", f"{best.loss:.6g}")
        yield Figure("Its profit", percent(best.profit_ratio, with_sign=True))
        yield Figure("Its trades", str(best.trades))
    else:
        yield Figure("Epochs", f"{len(epochs)}, none with enough trades")


def _figures(epochs: Sequence[Epoch], ranked: Sequence[Epoch]) -> Iterator[Figure]:
    yield Figure("epochs", plain(len(epochs), 0))
    yield Figure("ranked epochs", plain(len(ranked), 0))
    if ranked:
        yield Figure("best loss", result_text(ranked[0].loss))


def _sections(
    epochs: Sequence[Epoch], ranked: Sequence[Epoch], chart: CurveChart | None
) -> Iterator[ReportSection]:
    if ranked:
        yield ReportSection("Best parameters", _best_table(ranked[0]))
    if chart:
        caption = (
            "Each point is an epoch; the line is the best loss so far (lower is better). "
            f"Epochs without enough trades, which are not shown: {len(epochs) - len(ranked)}."
        )
        yield ReportSection("Loss over time", chart.figure(caption))
    if ranked:
        yield ReportSection("Parameter importance", _importance(ranked))
    yield ReportSection("Epochs", _epochs_table(epochs, ranked))


def _chart(epochs: Sequence[Epoch]) -> CurveChart:
    points = sorted((epoch.number, epoch.loss) for epoch in epochs if epoch.is_ranked)
    numbers, losses = zip(*points, strict=True)
    curves = (
        Curve(label="Best so far", at=numbers, values=list(accumulate(losses, min)), style="steps"),
        Curve(label="Epoch", at=numbers, values=losses, style="points"),
    )
    return CurveChart(name="losses", title="Loss of each epoch", curves=curves, axis="Epoch")


def _best_table(best: Epoch) -> Markup:
    rows = (
        (
            element("th", element("code", name), scope="row"),
            element("td", element("code", json.dumps(value))),
        )
        for name, value in best.parameters.items()
    )
    return plain_table("Best parameters", ("Parameter", "Value"), rows, class_="texts")


def _importance(ranked: Sequence[Epoch]) -> Markup:
    shares = importances(ranked)
    if not shares:
        text = f"Importance needs {FEWEST_EPOCHS} ranked epochs, and values that repeat."
        return element("p", text, class_="remark")
    largest = max(shares.values())
    rows = (
        (
            element("th", element("code", name), scope="row"),
            element("td", share_bar(share, largest), percent(share), class_="amount"),
        )
        for name, share in shares.items()
    )
    table = plain_table("Parameter importance", ("Parameter", "Share of the loss"), rows)
    return joined((table, element("p", METHOD, class_="remark")))


def _epochs_table(epochs: Sequence[Epoch], ranked: Sequence[Epoch]) -> Markup:
    shown = [*ranked, *(epoch for epoch in epochs if not epoch.is_ranked)]
    names = list(dict.fromkeys(name for epoch in epochs for name in epoch.parameters))
    rows = (_epoch_row(epoch, names) for epoch in shown[:MOST_ROWS])
    heads = ("Epoch", "Loss", "Trades", "Profit", "Drawdown, closed trades", *names)
    table = plain_table("Epochs", heads, rows)
    cut = len(shown) > MOST_ROWS
    number = f"The best {MOST_ROWS} of {len(shown):,} epochs" if cut else "All epochs"
    text = f"{number}, the best first; {EPOCHS_NAME} has all that the engine wrote of each."
    return joined((table, element("p", text, class_="remark")))


def _epoch_row(epoch: Epoch, names: Sequence[str]) -> tuple[Markup, ...]:
    profit, parameters = epoch.profit_ratio, epoch.parameters
    return (
        element("th", str(epoch.number), scope="row"),
        element("td", f"{epoch.loss:.6g}" if epoch.is_ranked else "not ranked"),
        element("td", plain(epoch.trades, 0)),
        element("td", percent(profit, with_sign=True), class_=tone_of(profit)),
        element("td", fall(epoch.drawdown_ratio)),
        *(element("td", result_text(parameters.get(name))) for name in names),
    )

"""Slippage of a dry-run against a backtest, as tables of its report."""

from collections.abc import Callable, Sequence
from typing import Final

from tradai.entrypoint._report.formatting import decimals_for, result_text, signed
from tradai.entrypoint._report.html import Markup, element, joined
from tradai.entrypoint._report.tables import plain_table, text_head, tone_of
from tradai.entrypoint.freqtrade._pages.slippage import METHOD, Slip, mean_ratio

MOST_ROWS: Final = 200
_UNKNOWN: Final = (
    "Not known: a dry-run keeps no candles. Fetch those of its time, and make this page again with "
)
_AGAIN: Final = "tradai-entrypoint report RUN --data DIR"
_FILL_HEADS: Final = (
    *("Ordered, UTC", text_head("Pair"), text_head("Side")),
    *("Price", "Backtest", "Slippage"),
)


def slippage_section(slipped: Sequence[Slip] | None, currency: str) -> Markup:
    """Return the slippage of each fill that can be compared; None stands for no candles."""
    if slipped is None:
        return element("p", _UNKNOWN, element("code", _AGAIN), ".", class_="remark")
    if not slipped:
        text = "No fill can be compared: there was none, or the candles do not cover them."
        return element("p", text, class_="remark")
    heads = ("Fills", "Number", "Mean", "Worst", f"Cost {currency}")
    groups: tuple[tuple[str, Callable[[Slip], bool]], ...] = (
        ("Entries", lambda each: each.order.is_entry),
        ("Exits by signal", lambda each: not each.order.is_entry),
    )
    rows = ((name, list(filter(belongs, slipped))) for name, belongs in groups)
    summary = plain_table("Slippage", heads, (_group(*row, currency) for row in rows if row[1]))
    fills = plain_table("Fills", _FILL_HEADS, map(_fill, slipped[-MOST_ROWS:]))
    number = f"The last {MOST_ROWS} of {len(slipped):,}" if len(slipped) > MOST_ROWS else "All"
    cut = f"{number} fills that can be compared; report.json has them too."
    remarks = (element("p", text, class_="remark") for text in (METHOD, cut))
    return joined((summary, fills, *remarks))


def slippage_text(ratio: float) -> str:
    """Return `ratio` in percent, to a hundredth of a basis point.

    >>> slippage_text(-0.0000274)
    '\N{MINUS SIGN}0.0027 %'
    """
    return f"{signed(100 * ratio, 4)} %"


def cost_text(cost: float, currency: str) -> str:
    """Return an amount of slippage, which is small beside a balance."""
    return signed(cost, max(decimals_for((), currency), 4))


def _group(name: str, found: Sequence[Slip], currency: str) -> tuple[Markup, ...]:
    cost = sum(each.cost for each in found)
    return (
        element("th", name, scope="row"),
        element("td", str(len(found))),
        element("td", slippage_text(mean_ratio(found))),
        element("td", slippage_text(max(each.ratio for each in found))),
        element("td", cost_text(cost, currency), class_=tone_of(-cost)),
    )


def _fill(slip: Slip) -> tuple[Markup, ...]:
    order = slip.order
    return (
        element("th", f"{order.ordered_at:%Y-%m-%d %H:%M:%S}", scope="row"),
        element("td", order.pair, class_="text"),
        element("td", order.side, class_="text"),
        element("td", result_text(order.price)),
        element("td", result_text(slip.expected)),
        element("td", slippage_text(slip.ratio), class_=tone_of(-slip.ratio)),
    )

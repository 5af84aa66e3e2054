"""List of every trade; the page's script sorts and filters it."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from tradai.entrypoint._report.formatting import decimals_for, duration, percent, plain, signed
from tradai.entrypoint._report.html import Markup, element, joined
from tradai.entrypoint._report.model import TradeRow
from tradai.entrypoint._report.tables import scroll_box, tone_of

# More rows make a page slow to use; the Parquet file has all of them.
MOST_ROWS: Final = 3000
# A browser lays out these rows when it opens the page, and the others when it has time for them.
_FIRST_ROWS: Final = 60
_TITLE: Final = "Trades"
_SIGNIFICANT: Final = 7
_TEXTS: Final = ("pair", "side", "tag", "reason")


def trade_list(trades: Sequence[TradeRow], *, currency: str) -> Markup:
    """Return the table of `trades` and the choices that filter it.

    The side and the leverage are shown where one of the trades has another than a spot trade.
    """
    shown = trades[:MOST_ROWS]
    has_sides = any(trade.is_short or trade.leverage != 1 for trade in trades)
    decimals = decimals_for((trade.profit_abs for trade in trades), currency)
    rows = [
        _row(number, trade, decimals, has_sides=has_sides) for number, trade in enumerate(shown)
    ]
    texts = _heads(currency, has_sides=has_sides)
    heads = (element("th", text, scope="col", **_attributes(key)) for key, text in texts)
    table = element(
        "table",
        element("caption", _TITLE, class_="unseen"),
        element("thead", element("tr", *heads)),
        element("tbody", *rows[:_FIRST_ROWS]),
        class_="numbers trades",
    )
    others = _later(rows[_FIRST_ROWS:])
    return joined((_filters(shown), scroll_box(_TITLE, table), others, _cut(len(trades))))


def _later(rows: Sequence[Markup]) -> Markup:
    """Return `rows` as a table for a page without scripts; a script reads it as text."""
    if not rows:
        return Markup()
    title = element("caption", f"{_TITLE} from number {_FIRST_ROWS + 1} on")
    table = element("table", title, element("tbody", *rows), class_="numbers trades")
    return element("noscript", scroll_box(f"Later {_TITLE.lower()}", table), id="later-trades")


def _heads(currency: str, *, has_sides: bool) -> Iterator[tuple[str, str]]:
    yield from (("number", "#"), ("pair", "Pair"))
    if has_sides:
        yield from (("side", "Side"), ("leverage", "Leverage"))
    yield from (("opened", "Entry, UTC"), ("entry", "At price"))
    yield from (("closed", "Exit, UTC"), ("exit", "At price"))
    yield from (("profit", f"Profit {currency}".strip()), ("ratio", "Profit"), ("time", "Time"))
    yield from (("tag", "Entry tag"), ("reason", "Exit reason"))


def _attributes(key: str) -> dict[str, str]:
    return {"data_sort": key} | ({"class_": "text"} if key in _TEXTS else {})


def _row(number: int, trade: TradeRow, decimals: int, *, has_sides: bool) -> Markup:
    tone = tone_of(trade.profit_abs)
    return element(
        "tr",
        element("th", str(number + 1), scope="row"),
        element("td", trade.pair, class_="text"),
        *(_side(trade) if has_sides else ()),
        element("td", f"{trade.opened_at:%Y-%m-%d %H:%M}"),
        element("td", _price(trade.open_rate)),
        element("td", f"{trade.closed_at:%Y-%m-%d %H:%M}"),
        element("td", _price(trade.close_rate)),
        element("td", signed(trade.profit_abs, decimals), class_=tone),
        element("td", percent(trade.profit_ratio, with_sign=True), class_=tone),
        element("td", duration((trade.closed_at - trade.opened_at).total_seconds())),
        element("td", trade.enter_tag, class_="text"),
        element("td", trade.exit_reason, class_="text"),
        data_trade=str(number),
    )


def _side(trade: TradeRow) -> Iterator[Markup]:
    yield element("td", "short" if trade.is_short else "long", class_="text")
    yield element("td", f"{trade.leverage:g}\N{MULTIPLICATION SIGN}")


def _filters(trades: Sequence[TradeRow]) -> Markup:
    choices = (
        _choice("pair", "Pair", (trade.pair for trade in trades)),
        _choice("tag", "Entry tag", (trade.enter_tag for trade in trades)),
        _choice("reason", "Exit reason", (trade.exit_reason for trade in trades)),
    )
    count = element("output", id="trade-count")
    return element("div", *choices, count, id="trade-filters", class_="tools", hidden="")


def _choice(name: str, label: str, values: Iterable[str]) -> Markup:
    options = (
        element("option", value or "(none)", value=f"={value}") for value in sorted(set(values))
    )
    every = element("option", "all", value="*")
    return element("label", f"{label} ", element("select", every, *options, name=name))


def _cut(total: int) -> Markup:
    if total <= MOST_ROWS:
        return Markup()
    text = f"The first {MOST_ROWS:,} of {total:,} trades; trades.parquet has all of them."
    return element("p", text, class_="remark")


def _price(rate: float) -> str:
    """Return a price with up to seven significant digits, or all before the point."""
    digits = f"{abs(rate):.0f}" if abs(rate) >= 1 else ""
    text = plain(rate, max(_SIGNIFICANT - len(digits), 0) if digits else 8)
    return text.rstrip("0").rstrip(".") if "." in text else text

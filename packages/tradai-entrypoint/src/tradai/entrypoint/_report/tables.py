"""Tables and lists of the report; a wide table scrolls in its own box."""

from collections.abc import Iterable, Sequence
from typing import Final

from tradai.entrypoint._report.config_rows import Setting
from tradai.entrypoint._report.formatting import decimals_for, duration, percent, plain, signed
from tradai.entrypoint._report.html import Markup, element
from tradai.entrypoint._report.model import Figure, TradeStats

_COLUMNS: Final = ("Trades", "Win / draw / loss", "Win rate", "Profit factor", "Mean time")

# The deepest shade, at which text still has enough contrast.
_DEEPEST_PERCENT: Final = 38


def figures_list(figures: Iterable[Figure], *, class_: str) -> Markup:
    """Return `figures` as a description list."""
    rows = (
        element("div", element("dt", figure.label), element("dd", figure.value))
        for figure in figures
    )
    return element("dl", *rows, class_=class_)


def trades_table(title: str, groups: Sequence[TradeStats], *, currency: str) -> Markup:
    """Return a table of `groups`, the most profitable first."""
    ordered = sorted(groups, key=lambda group: (-group.profit_abs, group.name))
    largest = max((abs(group.profit_abs) for group in groups), default=0.0)
    decimals = decimals_for((group.profit_abs for group in groups), currency)
    heads = (title, f"Profit {currency}".strip(), "Profit", *_COLUMNS)
    rows = (_group_row(group, largest=largest, decimals=decimals) for group in ordered)
    return _table(title, heads, rows, class_="numbers")


def facts_table(title: str, facts: Iterable[Figure]) -> Markup:
    """Return `facts` as a table of labels and literal values."""
    rows = (_row(fact.label, element("td", element("code", fact.value))) for fact in facts)
    return _table(title, ("Fact", "Value"), rows, class_="facts")


def settings_table(title: str, settings: Iterable[Setting]) -> Markup:
    """Return a table of configuration values and their sources."""
    rows = (
        _row(
            element("code", setting.name),
            element("td", element("code", setting.value)),
            element("td", setting.source, class_="source"),
        )
        for setting in settings
    )
    return _table(title, ("Setting", "Value", "From"), rows, class_="facts")


def plain_table(
    title: str, heads: Iterable[str], rows: Iterable[Sequence[Markup]], *, class_: str = "numbers"
) -> Markup:
    """Return a table of cells that are elements already; `heads` are names, or elements too."""
    return _table(title, heads, (element("tr", *row) for row in rows), class_=class_)


def text_head(name: str) -> Markup:
    """Return the head of a column of text among numbers; both stand at the left."""
    return element("th", name, scope="col", class_="text")


def shaded_cell(text: str, classes: str, *, value: float, largest: float) -> Markup:
    """Return a cell of `text` that is the deeper coloured, the nearer `value` is to `largest`.

    Args:
        text: Content of the cell.
        classes: Class of its tone, and others.
        value: Value of the cell; only its size counts.
        largest: Largest size of a value in the table.
    """
    depth = _DEEPEST_PERCENT * abs(value) / largest if largest else 0.0
    return element("td", text, class_=f"shade {classes}", style=f"--depth:{depth:.0f}%")


def scroll_box(title: str, table: Markup) -> Markup:
    """Return `table` in a box of its own, in which it scrolls sideways where it is too wide."""
    return element("div", table, class_="scroll", tabindex="0", role="region", aria_label=title)


def share_bar(amount: float, largest: float) -> Markup:
    """Return a bar as long as the share of `amount` in `largest`, by the sign of `amount`."""
    return _bar(amount, largest, tone_of(amount))


def _table(title: str, heads: Iterable[str], rows: Iterable[Markup], *, class_: str) -> Markup:
    head = element("tr", *map(_head, heads))
    table = element(
        "table",
        element("caption", title, class_="unseen"),
        element("thead", head),
        element("tbody", *rows),
        class_=class_,
    )
    return scroll_box(title, table)


def _head(name: str) -> Markup:
    return name if isinstance(name, Markup) else element("th", name, scope="col")


def _row(name: str, *cells: Markup) -> Markup:
    return element("tr", element("th", name, scope="row"), *cells)


def _group_row(group: TradeStats, *, largest: float, decimals: int) -> Markup:
    tone = tone_of(group.profit_abs)
    amount = (_bar(group.profit_abs, largest, tone), signed(group.profit_abs, decimals))
    return _row(
        group.name,
        element("td", *amount, class_=f"{tone} amount"),
        element("td", percent(group.profit_ratio, with_sign=True), class_=tone),
        element("td", plain(group.trades, 0)),
        element("td", f"{group.wins} / {group.draws} / {group.losses}"),
        element("td", percent(group.winrate)),
        element("td", plain(group.profit_factor, 2)),
        element("td", duration(group.mean_duration_s)),
    )


def tone_of(amount: float) -> str:
    """Return the class of `amount` by its sign."""
    return "good" if amount > 0 else "bad" if amount < 0 else "even"


def _bar(profit: float, largest: float, tone: str) -> Markup:
    share = abs(profit) / largest if largest else 0.0
    return element("span", class_=f"bar {tone}", style=f"--share:{share:.3f}", aria_hidden="true")

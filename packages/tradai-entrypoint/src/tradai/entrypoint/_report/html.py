"""HTML put together so that every text is escaped unless it is known to be markup."""

from collections.abc import Iterable
from html import escape
from string import Template
from typing import final

__all__ = ["Markup", "element", "fill", "joined"]


@final
class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def element(tag: str, /, *children: str, **attributes: str) -> Markup:
    """Return an element; an attribute is named without a dash or a keyword's underscore.

    >>> element("td", "1 < 2", class_="number", aria_label='a "b"')
    '<td class="number" aria-label="a &quot;b&quot;">1 &lt; 2</td>'
    """
    told = "".join(
        f' {name.strip("_").replace("_", "-")}="{_escaped(value)}"'
        for name, value in attributes.items()
    )
    return Markup(f"<{tag}{told}>{joined(children)}</{tag}>")


def joined(children: Iterable[str]) -> Markup:
    """Return `children` one after the other."""
    return Markup("".join(map(_escaped, children)))


def fill(template: str, **values: str) -> Markup:
    """Return `template` with `values` in the place of its ``$names``."""
    return Markup(Template(template).substitute({k: _escaped(v) for k, v in values.items()}))


def _escaped(text: str) -> Markup:
    if isinstance(text, Markup):
        return text
    # A path may hold bytes that are not text; the page must still be writable as UTF-8.
    return Markup(escape(text.encode("utf-8", "backslashreplace").decode("utf-8")))

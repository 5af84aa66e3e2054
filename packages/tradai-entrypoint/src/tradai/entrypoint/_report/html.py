"""Build HTML in which every text is escaped unless it is markup already."""

from collections.abc import Iterable
from html import escape
from string import Template
from typing import final
from urllib.parse import quote

from tradai.core import printable


@final
class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def element(tag: str, /, *children: str, **attributes: str) -> Markup:
    """Return an element; ``class_`` and ``aria_label`` become ``class`` and ``aria-label``.

    >>> element("td", "1 < 2", class_="number", aria_label='a "b"')
    '<td class="number" aria-label="a &quot;b&quot;">1 &lt; 2</td>'
    """
    attributes_text = "".join(
        f' {name.strip("_").replace("_", "-")}="{_escaped(value)}"'
        for name, value in attributes.items()
    )
    return Markup(f"<{tag}{attributes_text}>{joined(children)}</{tag}>")


def file_link(text: str, path: str, **attributes: str) -> Markup:
    """Return a link to the file at a relative `path`, in which ``#`` and ``?`` are characters.

    >>> file_link("report", "runs #2/report.html")
    '<a href="runs%20%232/report.html">report</a>'
    """
    return element("a", text, href=quote(path), **attributes)


def joined(children: Iterable[str]) -> Markup:
    """Return the concatenation of `children`."""
    return Markup("".join(map(_escaped, children)))


def fill(template: str, **values: str) -> Markup:
    """Return `template` with its ``$names`` replaced by `values`."""
    return Markup(Template(template).substitute({k: _escaped(v) for k, v in values.items()}))


def _escaped(text: str) -> Markup:
    if isinstance(text, Markup):
        return text
    # Text may come from anywhere: control characters and bytes that are not text become escapes.
    return Markup("\n".join(escape(printable(line)) for line in text.split("\n")))

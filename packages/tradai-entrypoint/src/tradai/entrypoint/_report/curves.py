"""Charts of curves that any page can have: values over time or over a number."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, final

from tradai.core import JsonValue
from tradai.entrypoint._report.html import Markup, element

_KEYS = "Zoom with the wheel, by dragging, or with + and \N{MINUS SIGN}; move with the arrow keys."

CurveStyle: TypeAlias = Literal["line", "steps", "points"]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Values at ascending places; a place is seconds since 1970, or a number."""

    label: str
    at: Sequence[float]
    values: Sequence[float]
    style: CurveStyle = "line"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class CurveChart:
    """Curves on one axis.

    Attributes:
        name: Id of the chart in the page.
        title: Its name for screen readers.
        axis: Name of the horizontal axis; empty for time.
        is_percent: Whether the values are ratios, to be shown in percent.
    """

    name: str
    title: str
    curves: tuple[Curve, ...]
    axis: str = ""
    is_percent: bool = False

    def figure(self, caption: str) -> Markup:
        """Return the place in which the page's script draws the chart, above a `caption`."""
        place = element(
            "div",
            id=self.name,
            class_="chart curves",
            tabindex="0",
            role="group",
            aria_label=f"{self.title}. {_KEYS}",
        )
        return element("figure", place, element("figcaption", f"{caption} {_KEYS}"))

    def to_json(self) -> dict[str, JsonValue]:
        """Return the data that the script draws."""
        return {
            "name": self.name,
            "axis": self.axis,
            "percent": self.is_percent,
            "curves": [_curve_json(each) for each in self.curves],
        }


def _curve_json(curve: Curve) -> list[JsonValue]:
    return [curve.label, curve.style, list(curve.at), [round(each, 8) for each in curve.values]]

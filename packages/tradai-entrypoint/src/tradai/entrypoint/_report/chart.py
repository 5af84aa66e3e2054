"""Balance and drawdown chart: its data, and the scripts embedded in the page to draw it."""

import json
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from gzip import compress
from hashlib import sha256
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Self, final

from tradai.entrypoint._report.formatting import decimals_for, instant, percent, plain
from tradai.entrypoint._report.html import Markup, element, joined
from tradai.entrypoint._report.model import BalancePoint

_LIBRARY: Final = Path("package_data", "plotly.min.js")
# A higher level saves little space and takes most of the time of a report.
_COMPRESSION: Final = 6


@final
@dataclass(frozen=True, slots=True)
class ChartBundle:
    """Scripts of a page with a chart: Plotly's browser library, and our script that calls it."""

    library: bytes
    driver: str

    @classmethod
    def installed(cls) -> Self | None:
        """Return the bundle, or None when the package ``plotly`` is not installed.

        Its Python modules are never imported: that takes longer than the whole report.
        """
        spec = find_spec("plotly")
        folders = spec.submodule_search_locations if spec else None
        for library in (Path(folder) / _LIBRARY for folder in folders or ()):
            if library.is_file():
                driver = files(__package__ or __name__).joinpath("chart.js")
                return cls(library.read_bytes(), driver.read_text(encoding="utf-8"))
        return None

    @property
    def script_hashes(self) -> tuple[str, ...]:
        """Hashes by which a Content-Security-Policy allows these scripts and no others."""
        scripts = (self.driver.encode(), self.library)
        return tuple(f"'sha256-{_base64(sha256(script).digest())}'" for script in scripts)

    def scripts(self, data: Markup) -> Markup:
        """Return elements that hold the compressed library and `data`, and draw the chart."""
        library = Markup(_base64(compress(self.library, _COMPRESSION, mtime=0)))
        return joined(
            (
                element("script", data, id="curve", type="application/json"),
                element("script", library, id="library", type="application/octet-stream"),
                element("script", Markup(self.driver)),
            )
        )


def curve_data(balance: Sequence[BalancePoint], *, currency: str) -> Markup:
    """Return the data of the chart as JSON that is safe inside a script element."""
    curve = {
        "at": [instant(point.at).removesuffix(" UTC") for point in balance],
        "balance": [point.balance for point in balance],
        # Below zero, and not -0.0 where there is none.
        "drawdown": [round(0.0 - point.drawdown, 6) for point in balance],
        "currency": currency,
        "decimals": decimals_for(point.balance for point in balance),
    }
    text = json.dumps(curve, separators=(",", ":"), allow_nan=False)
    return Markup(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))


def curve_sentence(balance: Sequence[BalancePoint], *, currency: str) -> str:
    """Return the curve as a sentence, for screen readers and for pages without the chart."""
    decimals = decimals_for(point.balance for point in balance)
    first, last = (plain(point.balance, decimals) for point in (balance[0], balance[-1]))
    lowest = max(balance, key=lambda point: point.drawdown)
    fall = percent(-lowest.drawdown, with_sign=True)
    deepest = f"The deepest drawdown, {fall}, was at {instant(lowest.at)}."
    return (
        f"Balance after each closed trade, from {first} to {last} {currency}. "
        f"{deepest if lowest.drawdown else 'It never fell below an earlier balance.'}"
    )


def _base64(data: bytes) -> str:
    return b64encode(data).decode("ascii")

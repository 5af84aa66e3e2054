"""Make the pictures of reports in docs/how-to/images again, from runs of the engine.

``uv run --frozen python scripts/report_pictures.py [--folder DIR] [NAME ...]``

Needs Chromium and the engine's environment (scripts/quickstart makes it), and takes some minutes. A
run that `--folder` has is not made again. NAME is a picture, such as ``report-candles``.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests-integration"))

from servers.browser import Browser, running_browser  # noqa: E402 - sys.path above finds it

IMAGES: Final = ROOT / "docs" / "how-to" / "images"
BIN: Final = ROOT / ".venv-freqtrade" / "bin"
WIDTH: Final = 1000
READY: Final = "!document.querySelector('.chart:not(:has(canvas)), #trade-filters[hidden]')"
TRADE: Final = """
document.querySelector("tr[data-trade='40'] button").click();
document.activeElement.blur();
"""
# Space around what is shown, in pixels.
MARGIN: Final = 16
TALLEST: Final = 1460


@dataclass(frozen=True, kw_only=True)
class Picture:
    """Part of a page, from the top of `first` to the bottom of `last` at most.

    Attributes:
        name: Name of the file, without its ending.
        page: Pattern of the page in the folder of the runs.
        last: JavaScript of the last element.
        first: JavaScript of the first element; empty for the top of the page.
        before: JavaScript that is run first.
    """

    name: str
    page: str
    last: str
    first: str = ""
    before: str = "0"


def titled(title: str) -> str:
    """Return the JavaScript of the section with a heading."""
    return (
        "[...document.querySelectorAll('main > section')]"
        f".find((e) => e.querySelector('h2').textContent === {json.dumps(title)})"
    )


PICTURES: Final = (
    Picture(
        name="report-backtest",
        page=".tradai/runs/base/report.html",
        last=titled("Balance and drawdown"),
    ),
    Picture(
        name="report-candles",
        page=".tradai/runs/base/report.html",
        first=titled("Candles"),
        last=titled("Candles"),
        before=TRADE,
    ),
    Picture(
        name="report-comparison",
        page=".tradai/comparisons/*/report.html",
        last=titled("Profit on the start"),
    ),
    Picture(
        name="report-hyperopt",
        page=".tradai/runs/search/report.html",
        last=titled("Loss over time"),
    ),
    Picture(
        name="report-robustness",
        page=".tradai/analyses/*/report.html",
        last=titled("Runs"),
    ),
    Picture(
        name="report-training",
        page=".tradai/runs/models/report.html",
        first=titled("Train and test error"),
        last=titled("Feature importance"),
    ),
)


def main() -> None:
    """Make the runs, and the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    every = [each.name for each in PICTURES]
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(every)}")
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    if unknown := sorted(set(given.names) - set(every)):
        parser.error(f"there is no picture {', '.join(unknown)}")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        folder = (given.folder or Path(scratch) / "runs").absolute()
        make_runs(folder)
        with running_browser(Path(scratch) / "profile") as browser:
            browser.hide_scrollbars()
            for picture in PICTURES:
                if picture.name in (given.names or every):
                    take(browser, picture, folder)


def make_runs(folder: Path) -> None:
    """Make the runs that `folder` lacks."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "train").exists():
        candles = ROOT / "docs/examples/quickstart/candles.py"
        subprocess.run([BIN / "python", candles, "--out", folder / "candles"], check=True)
        for name in ("quickstart", "train"):
            shutil.copytree(ROOT / "docs/examples" / name, folder / name, dirs_exist_ok=True)
    quickstart = ("run", "quickstart/strategy.yaml", "--mode")
    made = {
        "runs/base": (*quickstart, "backtest"),
        "runs/tighter": (*quickstart, "backtest", "buy_params.buy_rsi=39"),
        "runs/search": (*quickstart, "hyperopt", "run.epochs=60"),
        "runs/models": ("run", "train/strategy.yaml", "--mode", "train"),
        "comparisons": ("report", "base", "tighter"),
        "analyses": ("analyse", "quickstart/strategy.yaml", "--robust", "--walk-forward", "none"),
    }
    for place, command in made.items():
        if not any((folder / ".tradai" / place).glob("**/report.html")):
            more = ("--run-id", place.rpartition("/")[2]) if place.startswith("runs") else ()
            data = ("--data", "candles") if command[0] != "report" else ()
            subprocess.run(
                [BIN / "tradai-entrypoint", *command, *more, *data], cwd=folder, check=True
            )


def take(browser: Browser, picture: Picture, folder: Path) -> None:
    """Write a picture of a page in `folder`."""
    (page,) = folder.glob(picture.page)
    browser.open(page, width=WIDTH)
    browser.wait(READY)
    browser.ask(picture.before)
    browser.lay_out()
    first, last = (browser.ask(box(each)) for each in (picture.first, picture.last))
    top = max(first["top"] - MARGIN, 0.0)
    height = min(last["bottom"] + MARGIN - top, TALLEST)
    (IMAGES / f"{picture.name}.png").write_bytes(browser.picture(top, WIDTH, height))
    print(IMAGES / f"{picture.name}.png")


def box(element: str) -> str:
    """Return JavaScript for the top and bottom of an element, or of the page."""
    found = element or "document.documentElement"
    return (
        f"(({{ top, bottom }}) => ({{ top: top + scrollY, bottom: bottom + scrollY }}))"
        f"({found}.getBoundingClientRect())"
    )


if __name__ == "__main__":
    main()

"""Time that Chromium takes to open a report, against an empty page of the same number of bytes.

``uv run --frozen python scripts/bench/report_page.py [--rounds 9] [--page report.html]``

Without `--page` the engine makes the report: the quickstart's strategy on 5 pairs x 6 months of
candles of 5 minutes. Needs Chromium and the engine's environment (scripts/quickstart makes it).
Both pages alternate, each in a new browser; times are from the start of navigation, medians.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
EXAMPLE: Final = ROOT / "docs" / "examples" / "quickstart"
TRADAI: Final = ROOT / ".venv-freqtrade" / "bin" / "tradai-entrypoint"
sys.path[:0] = [str(ROOT / "tests-integration"), str(EXAMPLE)]

import candles  # noqa: E402 - sys.path above finds it
from servers.browser import running_browser  # noqa: E402 - sys.path above finds it

BOUND: Final = 3.0
BYTES_BOUND: Final = 5_000_000
MORE_TRADES: Final = ("execution.max_open_trades=5", "buy_params.buy_rsi=42")
WIDTH: Final = 1200
# A frame sees what the scripts before it drew, and shows it.
FRAMES: Final = """
const seen = {};
const marks = { chart: ".chart canvas", list: "#trade-filters:not([hidden])" };
function look() {
  for (const [name, mark] of Object.entries(marks)) {
    if (!(name in seen) && document.querySelector(mark)) seen[name] = performance.now();
  }
  requestAnimationFrame(look);
}
requestAnimationFrame(look);
"""
LOADED: Final = "performance.getEntriesByType('navigation')[0].loadEventEnd"
TRADES: Final = "document.querySelectorAll('.trades tbody tr').length"
REPORT: Final = (LOADED, "seen.chart", "seen.list", TRADES)


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--page", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        page = given.page.absolute() if given.page else made_report(folder)
        empty = empty_page(folder / "empty.html", page.stat().st_size)
        rounds = [
            times(empty, LOADED, LOADED) + times(page, "seen.list", *REPORT)
            for _ in range(given.rounds + 1)
        ]
        show(page.stat().st_size, rounds[1:])


def made_report(folder: Path) -> Path:
    """Return the report of a backtest on candles of 5 minutes."""
    candles.STEPS, candles.TIMEFRAME = 5, "5m"
    candles.write_candles(folder / "data", seed=42, months=6)
    candles.write_rules(folder / "data")
    shutil.copytree(EXAMPLE, folder / "example")
    for path in (folder / "example/strategy.yaml", folder / "example/strategies/ema_pullback.py"):
        path.write_text(path.read_text().replace("15m", "5m"))
    command = [TRADAI, "run", folder / "example/strategy.yaml", "--mode", "backtest"]
    more = ["--data", folder / "data", "--runs", folder / "runs", "--run-id", "bench"]
    subprocess.run([*command, *more, *MORE_TRADES], check=True)
    return folder / "runs/bench/report.html"


def empty_page(path: Path, size: int) -> Path:
    """Write a page of `size` bytes that is one comment."""
    head, tail = "<!DOCTYPE html><html><body><!--", "--></body></html>"
    path.write_text(f"{head}{'x' * (size - len(head) - len(tail))}{tail}")
    return path


def times(page: Path, until: str, *names: str) -> list[float]:
    """Open `page` in a new browser, and return the milliseconds that `names` are."""
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile,
        running_browser(Path(profile)) as browser,
    ):
        browser.inject(FRAMES)
        browser.open(page, width=WIDTH)
        browser.wait(until)
        if browser.errors:
            raise SystemExit(f"{page} has errors: {browser.errors}")
        return [float(browser.ask(name)) for name in names]


def show(size: int, rounds: list[list[float]]) -> None:
    """Print the medians, and their ratios to the empty page's."""
    empty, loaded, chart, whole, trades = map(statistics.median, zip(*rounds, strict=True))
    print(f"{size:,} bytes (bound {BYTES_BOUND:,}), {trades:,.0f} trades")
    print(f"{len(rounds)} rounds, load {os.getloadavg()[0]:.1f}\n")
    print("| from the start of navigation to | ms | x empty | bound |")
    print("|---|---:|---:|---:|")
    print(f"| load event of the empty page | {empty:.0f} | 1.00 | |")
    print(f"| load event of the report | {loaded:.0f} | {loaded / empty:.2f} | {BOUND:g} |")
    print(f"| its first chart | {chart:.0f} | {chart / empty:.2f} | {BOUND:g} |")
    print(f"| all charts and the list of trades | {whole:.0f} | {whole / empty:.2f} | |")


if __name__ == "__main__":
    main()

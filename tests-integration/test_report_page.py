"""The report of a training and its backtest in Chromium: keyboard, phone width, accessibility."""

import json
import struct
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest
from servers.browser import Browser, axe_script, running_browser

from tradai.entrypoint._report import model
from tradai.entrypoint._report.page import render_report
from tradai.entrypoint.freqtrade._pages.training_page import training_parts
from tradai.entrypoint.freqtrade._training.record import TrainingRecord

# A training of the real engine.
TRAINING: Final = (
    Path(__file__).resolve().parents[1]
    / "packages/tradai-entrypoint/tests/freqtrade/training/data/training.json"
)
START: Final = datetime(2025, 1, 1, tzinfo=UTC)
HOUR: Final = timedelta(hours=1)
TRADES: Final = 200
PAIRS: Final = ("BTC/USDT", "ETH/USDT")
PHONE: Final = 390
DESKTOP: Final = 1200
STRANGE: Final = f"<img src=x onerror=console.error(1)></script>${'long' * 60}/USDT"
READY: Final = "!document.getElementById('trade-filters').hidden"
# Axe's own words for faults that keep a reader from using a page.
GRAVE: Final = ("serious", "critical")


def trade(number: int) -> model.TradeRow:
    return model.TradeRow(
        pair=PAIRS[number % 2],
        is_short=False,
        leverage=1.0,
        opened_at=START + number * 3 * HOUR,
        closed_at=START + (number * 3 + 2) * HOUR,
        open_rate=100.0,
        close_rate=101.0,
        first_stop=90.0,
        last_stop=95.0,
        profit_abs=(number % 7) - 3.0,
        profit_ratio=((number % 7) - 3.0) / 100,
        enter_tag="a tag that is longer than most" if number % 3 else "",
        exit_reason="exit_signal",
    )


def candles(pair: str, price: float = 100.0) -> model.PairCandles:
    count = TRADES * 3
    opened = [int(START.timestamp()), *[3600] * (count - 1)]
    times = struct.pack(f"<{2 * count}I", *opened, *[3600] * count)
    levels = (100.0, 103.0, 97.0, 101.0, 5.0)
    prices = [(level + step % 5) * price / 100 for level in levels for step in range(count)]
    data = times + struct.pack(f"<{5 * count}f", *prices)
    return model.PairCandles(pair=pair, short_s=3600, long_s=3600, count=count, data=data)


def stats(name: str, profit: float) -> model.TradeStats:
    return model.TradeStats(
        name=name,
        trades=100,
        wins=50,
        draws=10,
        losses=40,
        profit_abs=profit,
        profit_ratio=profit / 1000,
        winrate=0.5,
        profit_factor=1.2,
        expectancy=0.1,
        mean_duration_s=7200.0,
    )


def report_page(
    pairs: Sequence[str], trades: Sequence[model.TradeRow], price: float = 100.0
) -> str:
    """A report with every section of a backtest, and those of a training."""
    points = range(0, 600, 3)
    parts = model.RunReportParts(
        currency="USDT",
        highlights=(model.Figure("Profit", "+12.00 USDT"), model.Figure("Trades", str(TRADES))),
        figures=(model.Figure("Profit factor", "1.20"), model.Figure("Fees paid", "3.00 USDT")),
        balance=tuple(model.BalancePoint(START + n * HOUR, 1000.0 + n % 9, 0.0) for n in points),
        equity=tuple(
            model.EquityPoint(START + n * HOUR, 1000.0 + n % 9, 0.01, 990.0) for n in points
        ),
        months=(model.MonthReturn(2025, 1, 0.012),),
        days=tuple(
            model.DayReturn(date(2025, 1, n), n / 1000 - 0.01, n / 10) for n in range(1, 26)
        ),
        trades=tuple(trades),
        candles=tuple(candles(pair, price) for pair in pairs),
        pairs=tuple(stats(pair, 12.0) for pair in pairs),
        entry_tags=(stats("a tag that is longer than most", 10.0), stats("(none)", -2.0)),
        exit_reasons=(stats("exit_signal", 12.0),),
        rejected=(model.Figure("Entry signals without a free slot", "9"),),
    )
    parts = training_parts(TrainingRecord.read(TRAINING), parts)
    return render_report(
        model.RunReport(
            run_id="20250101T000000Z-backtest-00000000",
            mode="backtest",
            exit_code=0,
            verdict="backtest done: 200 trades, +1.20 % profit",
            started_at=START,
            ended_at=START + HOUR,
            strategy="ema-pullback",
            version="1.0.0",
            notices=("the candles are synthetic",),
            configuration={"name": "ema-pullback", "pairs": list(pairs)},
            provenance={"name": "strategy.yaml:1", "pairs": "strategy.yaml:2"},
            facts=(model.Figure("digest of trades", "0123456789abcdef" * 4),),
            parts=parts,
        )
    )


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(report_page(PAIRS, tuple(map(trade, range(TRADES)))), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def strange_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report with names that are long, or markup."""
    trades = (
        replace(trade(number), pair=STRANGE, enter_tag=STRANGE, exit_reason=STRANGE)
        for number in range(3)
    )
    path = tmp_path_factory.mktemp("strange") / "report.html"
    path.write_text(report_page((STRANGE, "BTC/USDT"), tuple(trades)), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with running_browser(tmp_path_factory.mktemp("profile")) as started:
        yield started


def test_charts_and_trades_answer_to_the_keyboard_without_an_error(
    browser: Browser, page: Path
) -> None:
    browser.open(page, width=DESKTOP)
    browser.wait(READY)

    assert browser.ask("[...document.querySelectorAll('.chart')].map((e) => e.id)") == [
        *("chart", "test-errors", "sharpe-chart", "pair-chart", "candle-chart")
    ]
    assert browser.ask("document.querySelectorAll('.chart:not(:has(canvas))').length") == 0
    assert browser.ask("document.querySelectorAll('.trades tbody tr').length") == TRADES
    note = "document.getElementById('trade-note').textContent"
    browser.ask("document.getElementById('candle-chart').focus()")
    seen = []
    for key in ("n", "Home", "p", "Home", "n"):
        browser.press(key)
        seen.append(browser.ask(note).partition(":")[0])
    whole = "Candles of 1 h."
    # Every second trade is of the other pair.
    assert seen == ["Trade 1", whole, f"Trade {TRADES - 1}", whole, "Trade 1"]
    browser.ask("document.querySelector('th[data-sort=profit] button').focus()")
    browser.press("Enter")
    assert browser.ask("document.querySelector('.trades tbody tr').dataset.trade") == "0"
    browser.press("Tab")
    assert browser.ask("document.activeElement.closest('th').dataset.sort") == "ratio"
    browser.ask("document.querySelector('.trades tbody button').focus()")
    browser.press("Enter")
    assert browser.ask(note).startswith("Trade 1: BTC/USDT")
    assert browser.ask("document.activeElement.id") == "candle-chart"
    assert browser.errors == []


def test_a_legend_has_colons_only_where_it_has_values(browser: Browser, page: Path) -> None:
    entries = (
        "[...document.querySelectorAll('#chart .u-legend tr')].map((row) => ["
        "row.lastChild.textContent !== '', "
        "getComputedStyle(row.firstChild, '::after').content.includes(':')])"
    )
    browser.open(page, width=DESKTOP)
    browser.lay_out()
    at_rest = browser.ask(entries)

    browser.ask(
        "for (const type of ['mouseenter', 'mousemove']) {"
        "const over = document.querySelector('#chart .u-over');"
        "const { left, top, width } = over.getBoundingClientRect();"
        "const at = { clientX: left + width / 2, clientY: top + 10, bubbles: true };"
        "over.dispatchEvent(new MouseEvent(type, at)); }"
    )

    assert at_rest
    assert at_rest == [[False, False]] * len(at_rest)
    browser.lay_out()
    assert browser.ask(entries) == [[True, True]] * len(at_rest)


@pytest.mark.parametrize("is_dark", [False, True], ids=["light", "dark"])
def test_at_the_width_of_a_phone_nothing_is_cut_and_axe_finds_no_grave_fault(
    browser: Browser, page: Path, *, is_dark: bool
) -> None:
    axe = axe_script()

    browser.open(page, width=PHONE, is_dark=is_dark)
    browser.wait(READY)
    browser.lay_out()

    assert browser.ask("document.documentElement.scrollWidth") == PHONE
    # A box scrolls where its content is wider, and then the keyboard reaches it.
    wide = (
        "[...document.querySelectorAll('main *')].filter((e) => e.scrollWidth > e.clientWidth + 1"
        " && getComputedStyle(e).overflowX !== 'visible' && e.clientWidth > 1 && e.tabIndex < 0)"
        ".map((e) => e.outerHTML.slice(0, 120))"
    )
    assert browser.ask(wide) == []
    browser.ask(f"{axe}; 0")
    faults = browser.ask(
        "axe.run().then((r) => JSON.stringify(r.violations.map((v) =>"
        " [v.impact, v.id, v.nodes.slice(0, 3).map((n) => n.html.slice(0, 160))])))"
    )
    assert [each for each in json.loads(faults) if each[0] in GRAVE] == []
    assert browser.errors == []


@pytest.mark.parametrize("width", [PHONE, DESKTOP])
def test_names_that_are_long_or_markup_are_text_within_the_page(
    browser: Browser, strange_page: Path, width: int
) -> None:
    browser.open(strange_page, width=width)
    browser.wait(READY)
    browser.lay_out()

    assert browser.ask("document.documentElement.scrollWidth") <= width
    names = "[...document.querySelectorAll('.trades tbody .text')]"
    assert browser.ask(f"Math.max(...{names}.map((e) => e.offsetWidth))") < DESKTOP / 3
    assert browser.ask("document.images.length") == 0
    row = "document.querySelector('.trades tbody tr')"
    shown = f"{STRANGE[:255]}\N{HORIZONTAL ELLIPSIS}"
    texts = browser.ask(f"[...{row}.querySelectorAll('.text')].map((e) => e.textContent)")
    assert texts == [STRANGE, shown, shown]
    browser.ask(f"{row}.querySelector('button').click()")
    note = browser.ask("document.getElementById('trade-note').textContent")
    assert STRANGE in note
    assert shown in note
    assert browser.errors == []


def test_charts_of_an_open_page_take_the_colours_of_another_scheme(
    browser: Browser, page: Path
) -> None:
    # A PNG ends with a checksum of its pixels.
    drawn = "[...document.querySelectorAll('canvas')].map((e) => e.toDataURL().slice(-40))"
    seen = {}
    for is_dark in (True, False):
        browser.open(page, width=DESKTOP, is_dark=is_dark)
        browser.wait(READY)
        browser.lay_out()
        seen[is_dark] = browser.ask(drawn)

    browser.choose_scheme(is_dark=True)
    browser.lay_out()

    assert not set(seen[True]) & set(seen[False])
    assert browser.ask(drawn) == seen[True]


@pytest.mark.parametrize("width", [PHONE, DESKTOP])
def test_the_labels_of_a_small_price_are_whole(
    browser: Browser, tmp_path: Path, width: int
) -> None:
    path = tmp_path / "report.html"
    path.write_text(
        report_page(PAIRS, tuple(map(trade, range(TRADES))), 0.0000022), encoding="utf-8"
    )
    browser.open(path, width=width)
    browser.wait(READY)
    browser.ask(
        "window.labels = []; const canvas = CanvasRenderingContext2D.prototype;"
        "const write = canvas.fillText; canvas.fillText = function (text, x, y) {"
        "  if (this.textAlign === 'right') labels.push([text, x - this.measureText(text).width]);"
        "  write.call(this, text, x, y); }; 0"
    )

    browser.ask("document.querySelector('#candle-tools [data-action=in]').click()")
    browser.lay_out()

    labels = browser.ask("labels")
    assert any(text.startswith("0.00000") for text, _ in labels)
    assert [text for text, left in labels if left < 0] == []


def test_a_section_is_laid_out_when_it_comes_near_the_screen(browser: Browser, page: Path) -> None:
    is_laid_out = (
        "document.querySelector('.trades td').checkVisibility({ contentVisibilityAuto: true })"
    )
    browser.open(page, width=DESKTOP)
    browser.wait(READY)

    assert not browser.ask(is_laid_out)
    browser.ask("document.querySelector('.trades').scrollIntoView()")
    browser.wait(is_laid_out)

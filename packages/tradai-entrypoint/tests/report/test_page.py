import gzip
import json
import re
from base64 import b64decode, b64encode
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from hashlib import sha256
from html.parser import HTMLParser
from importlib.resources import files

import pytest

from tradai.core import printable
from tradai.entrypoint._report.chart import chart_data
from tradai.entrypoint._report.data import report_data
from tradai.entrypoint._report.formatting import (
    decimals_for,
    duration,
    percent,
    signed,
    time_range_text,
)
from tradai.entrypoint._report.model import (
    BalancePoint,
    DayReturn,
    EquityPoint,
    Figure,
    MonthReturn,
    PairCandles,
    RunReport,
    RunReportParts,
    TradeRow,
    TradeStats,
)
from tradai.entrypoint._report.page import render_report
from tradai.entrypoint._report.trade_list import MOST_ROWS

START = datetime(2025, 1, 31, 23, 30, tzinfo=UTC)
START_S = round(START.timestamp())
CANDLES = b"candles"
HOSTILE = '</title></script><script>alert("1")</script><img src=x onerror=y>&amp;$policy\u2028'


class Page(HTMLParser):
    """The page as a browser reads it: elements, their attributes and texts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.scripts: list[str] = []
        self.data: dict[str, str] = {}
        self._open = self._name = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open = tag
        self.elements.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append("")
        elif tag == "template":
            self._name = dict(attrs)["id"] or ""
            self.data[self._name] = ""

    def handle_data(self, data: str) -> None:
        if self._open == "script":
            self.scripts[-1] += data
        elif self._open == "template":
            self.data[self._name] += data
        elif data.strip():
            self.texts.append(data.strip())

    def handle_endtag(self, tag: str) -> None:
        if tag in {"script", "template"}:
            self._open = ""

    @property
    def policy(self) -> str:
        metas = [each for tag, each in self.elements if tag == "meta"]
        found = [each["content"] for each in metas if each.get("http-equiv")]
        return found[0] or ""


def group(name: str, profit: float = 1.5, trades: int = 3) -> TradeStats:
    return TradeStats(
        name=name,
        trades=trades,
        wins=2,
        draws=0,
        losses=1,
        profit_abs=profit,
        profit_ratio=profit / 1000,
        winrate=2 / 3,
        profit_factor=None,
        expectancy=profit / trades,
        mean_duration_s=5400.0,
    )


def trade(text: str = "USDT", *, profit: float = 1.5, tag: str | None = None) -> TradeRow:
    return TradeRow(
        pair=text,
        is_short=False,
        leverage=1.0,
        opened_at=START,
        closed_at=START + timedelta(hours=1),
        open_rate=1.0,
        close_rate=2.0,
        first_stop=0.9,
        last_stop=None,
        profit_abs=profit,
        profit_ratio=profit / 100,
        enter_tag=text if tag is None else tag,
        exit_reason=text,
    )


def parts(text: str = "USDT") -> RunReportParts:
    balances = ((1000.0, 0.0), (1010.0, 0.0), (999.9, 0.01), (1012.5, 0.0))
    return RunReportParts(
        currency=text,
        highlights=(Figure(text, text),),
        figures=(Figure(text, text),),
        balance=tuple(
            BalancePoint(START + timedelta(days=day), *point) for day, point in enumerate(balances)
        ),
        equity=(
            EquityPoint(START, 1000.0, 0.0, 1000.0),
            EquityPoint(START + timedelta(days=1), 990.0, 0.01, None),
        ),
        months=(MonthReturn(2025, 1, -0.01), MonthReturn(2025, 2, 0.02)),
        days=(DayReturn(date(2025, 1, 30), 0.01, None), DayReturn(date(2025, 1, 31), -0.02, -1.5)),
        trades=(trade(text),),
        candles=(PairCandles(pair=text, short_s=300, long_s=3600, count=1, data=CANDLES),),
        pairs=(group(text, 12.5), group("ETH/USDT", -1.0)),
        entry_tags=(group(text),),
        exit_reasons=(group(text),),
        rejected=(Figure(text, text),),
    )


def report(text: str = "plain", *, result: RunReportParts | None = None) -> RunReport:
    return RunReport(
        run_id=text,
        mode=text,
        exit_code=0,
        verdict=text,
        started_at=START,
        ended_at=START + timedelta(seconds=12.34),
        strategy=text,
        version=text,
        config_id=text,
        notices=(text,),
        configuration={text: {"inner": text}, "pairs": ["BTC/USDT", text]},
        provenance={"pairs": text},
        facts=(Figure(text, text),),
        parts=result,
    )


def test_the_page_refers_to_nothing_outside_itself() -> None:
    page = Page(render_report(report(result=parts())))

    links = [
        value
        for _, attributes in page.elements
        for name, value in attributes.items()
        if name in {"src", "href", "action", "srcset", "data", "poster"}
    ]

    assert links == ["data:,"]
    assert page.policy.startswith("default-src 'none';")


def test_the_policy_allows_our_two_scripts_by_their_hash_and_no_other() -> None:
    page = Page(render_report(report(result=parts())))

    hashes = [b64encode(sha256(each.encode()).digest()).decode() for each in page.scripts]
    allowed = re.search(r"script-src ([^;]*);", page.policy)
    assert allowed is not None
    assert len(page.scripts) == 2
    assert allowed[1].split() == [f"'sha256-{each}'" for each in hashes]


def test_the_library_is_the_vendored_file_and_cannot_end_its_script() -> None:
    page = Page(render_report(report(result=parts())))

    library = files("tradai.entrypoint._report").joinpath("uplot.js").read_text("utf-8")
    assert "uPlot (v" in library
    assert "</script" not in library.lower()
    assert library in page.scripts


def test_style_reaches_the_browser_as_it_was_written() -> None:
    html = render_report(report(result=parts()))

    style = html[html.index("<style>") + 7 : html.index("</style>")]
    own, library = (
        files("tradai.entrypoint._report").joinpath(name).read_text("utf-8")
        for name in ("style.css", "uplot.css")
    )
    assert style.strip() == f"{library}\n{own}".strip()


def test_candles_are_embedded_as_they_were_packed() -> None:
    page = Page(render_report(report(result=parts())))

    assert gzip.decompress(b64decode(page.data["candles"])) == CANDLES
    assert json.loads(page.data["charts"])["pairs"] == [["USDT", 1, 300, 3600]]


def test_no_text_of_a_user_becomes_markup() -> None:
    clean = Page(render_report(report(result=parts())))
    hostile = Page(render_report(report(HOSTILE, result=parts(HOSTILE))))

    assert [tag for tag, _ in hostile.elements] == [tag for tag, _ in clean.elements]
    assert hostile.texts.count(printable(HOSTILE)) >= 12


def test_the_data_of_the_charts_is_json_that_cannot_end_its_element() -> None:
    page = Page(render_report(report(result=parts(HOSTILE))))

    text = page.data["charts"]

    days = [START_S + day * 86_400 for day in range(4)]
    assert not set("<>&\u2028\u2029") & set(text)
    assert json.loads(text) == {
        "balance": [days, [1000.0, 1010.0, 999.9, 1012.5], [0.0, 0.0, -0.01, 0.0]],
        "equity": [days[:2], [1000.0, 990.0], [0.0, -0.01], [1000.0, None]],
        "pairs": [[HOSTILE, 1, 300, 3600]],
        "trades": [
            [
                HOSTILE,
                START_S,
                1.0,
                START_S + 3600,
                2.0,
                0.9,
                None,
                1.5,
                0.015,
                *[HOSTILE] * 2,
                0,
                1.0,
            ]
        ],
        "sharpe": [[START_S + 1800], [-1.5]],
        "currency": HOSTILE,
        "decimals": 2,
    }


def test_days_without_a_ratio_are_a_gap_in_the_sharpe_ratio() -> None:
    ratios = (None, 1.0, None, 2.0, None)
    days = tuple(DayReturn(date(2025, 2, day), 0.0, each) for day, each in enumerate(ratios, 1))

    drawn = json.loads(chart_data(RunReportParts(days=days)))["sharpe"]

    assert drawn[1] == [1.0, None, 2.0]
    assert [time - drawn[0][0] for time in drawn[0]] == [0, 86_400, 172_800]
    assert json.loads(chart_data(RunReportParts(days=days[:1])))["sharpe"] == []


def text_after(page: Page, text: str) -> str:
    return page.texts[page.texts.index(text) + 1]


def test_sides_and_leverage_are_shown_where_contracts_were_traded() -> None:
    long = trade("BTC/USDT:USDT")
    short = replace(long, is_short=True, leverage=2.5)

    spot = Page(render_report(report(result=replace(parts(), trades=(long,)))))
    futures = Page(render_report(report(result=replace(parts(), trades=(long, short)))))

    assert not {"Side", "Leverage", "long"} & set(spot.texts)
    start = futures.texts.index("Side")
    assert futures.texts[start : start + 2] == ["Side", "Leverage"]
    times = "\N{MULTIPLICATION SIGN}"
    assert text_after(futures, "long") == f"1{times}"
    assert text_after(futures, "short") == f"2.5{times}"


def test_equal_reports_are_equal_pages() -> None:
    first, second = (render_report(report(result=parts())) for _ in range(2))

    assert first == second


def test_of_several_problems_each_has_a_line_of_its_own() -> None:
    verdict = "2 problems\na.yaml:1: name: is missing\na.yaml:2: stoploss: must be < 0"

    html = render_report(replace(report(), exit_code=78, verdict=verdict))

    assert "</strong> 2 problems<span>a.yaml:1: name: is missing</span>" in html
    assert "<span>a.yaml:2: stoploss: must be &lt; 0</span></p>" in html


def test_a_refused_run_is_a_small_page_without_the_library() -> None:
    refused = replace(report(), exit_code=78, verdict="stake_amount is not set: set it", mode=None)

    html = render_report(refused)

    assert len(html) < 20_000
    page = Page(html)
    assert not page.scripts
    assert "script-src 'none'" in page.policy
    assert {"Exit 78", "stake_amount is not set: set it", "Not started"} <= set(page.texts)


def test_a_run_without_trades_says_so_instead_of_drawing_a_point() -> None:
    nothing = replace(
        parts(),
        balance=(BalancePoint(START, 1000.0, 0.0),),
        pairs=(),
        exit_reasons=(),
        trades=(),
    )

    page = Page(render_report(report(result=nothing)))

    assert "No trade was closed, so there is no curve to draw." in page.texts
    assert not page.scripts


def test_a_notice_that_begins_with_a_key_keeps_its_small_letter() -> None:
    notices = ("execution.minimal_roi replaces that of the class", "the candles are synthetic")

    page = render_report(replace(report(result=parts()), notices=notices))

    assert '<li class="literal">execution.minimal_roi' in page
    assert "<li>the candles are synthetic" in page
    assert ".notices li:not(.literal)::first-letter" in page


def test_notices_stand_before_every_figure() -> None:
    warned = replace(report(result=parts()), notices=("these candles are synthetic",))

    texts = Page(render_report(warned)).texts

    assert texts.index("these candles are synthetic") < texts.index("USDT")


def test_instants_are_shown_in_utc_whatever_their_zone() -> None:
    elsewhere = START.astimezone(timezone(timedelta(hours=-5)))

    texts = Page(render_report(replace(report(), started_at=elsewhere))).texts

    assert "2025-01-31 23:30:00 UTC" in texts


def test_each_configuration_value_has_its_own_source_or_that_of_its_mapping() -> None:
    told = replace(
        report(),
        configuration={"name": "x", "execution": {"fee": 0.001, "order_types": {"entry": "limit"}}},
        provenance={"name": "a.yaml:1", "execution.order_types": "b.yaml:7"},
    )

    texts = Page(render_report(told)).texts

    start = texts.index("Setting")
    assert texts[start + 3 : start + 12] == [
        *("name", "x", "a.yaml:1"),
        *("execution.fee", "0.001", "default"),
        *("execution.order_types.entry", "limit", "b.yaml:7"),
    ]


def test_files_are_named_relative_to_their_common_folder() -> None:
    told = replace(
        report(),
        configuration={"a": 1, "b": 2, "c": 3},
        provenance={"a": "/mine/bot/x.yaml:1", "b": "/mine/patches/x.yaml:2", "c": "TRADAI_C"},
    )

    texts = Page(render_report(told)).texts

    assert {"bot/x.yaml:1", "patches/x.yaml:2", "TRADAI_C", "/mine"} <= set(texts)


def test_groups_are_sorted_by_profit() -> None:
    pairs = (group("B/USDT", -3.0), group("A/USDT", -3.0), group("C/USDT", 1234.5))

    texts = Page(render_report(report(result=RunReportParts(currency="USDT", pairs=pairs)))).texts

    names = [text for text in texts if text.endswith("/USDT")]
    assert names == ["C/USDT", "A/USDT", "B/USDT"]
    assert {"+1,234.50", "\u22123.00", "66.7 %", "1 h 30 min"} <= set(texts)


def test_months_are_shown_by_year_with_their_compound_total() -> None:
    months = (MonthReturn(2024, 12, 0.5), MonthReturn(2025, 1, 0.1), MonthReturn(2025, 2, 0.1))

    texts = Page(render_report(report(result=RunReportParts(months=months)))).texts

    start = texts.index("2024")
    assert texts[start : start + 7] == [
        *("2024", "+50.00 %", "+50.00 %"),
        *("2025", "+10.00 %", "+10.00 %", "+21.00 %"),
    ]


def test_days_are_shown_by_month_each_in_its_column() -> None:
    days = (DayReturn(date(2025, 1, 31), 0.0123, None), DayReturn(date(2025, 2, 1), -0.004, None))

    page = Page(render_report(report(result=RunReportParts(days=days))))

    start = page.texts.index("Jan 2025")
    assert page.texts[start : start + 4] == ["Jan 2025", "+1.2", "Feb 2025", "\u22120.4"]
    cells = [each for tag, each in page.elements if tag == "td"][:62]
    assert [number for number, each in enumerate(cells) if each] == [30, 31]


def test_the_data_beside_the_page_has_what_no_parquet_file_has() -> None:
    data = json.loads(report_data(parts()))

    assert data["currency"] == "USDT"
    assert data["figures"] == data["rejected"] == {"USDT": "USDT"}
    assert data["balance"]["at"][0] == "2025-01-31T23:30:00+00:00"
    assert data["equity"]["market"] == [1000.0, None]
    assert data["days"] == {
        "day": ["2025-01-30", "2025-01-31"],
        "ratio": [0.01, -0.02],
        "sharpe": [None, -1.5],
    }
    assert data["pairs"]["profit_abs"] == [12.5, -1.0]
    assert data["entry_tags"]["name"] == ["USDT"]
    assert not {"trades", "candles"} & data.keys()


def test_a_figure_that_is_not_finite_is_null_in_the_data() -> None:
    endless = RunReportParts(months=(MonthReturn(2025, 1, float("inf")),))

    assert json.loads(report_data(endless))["months"]["ratio"] == [None]


def test_each_trade_is_a_row_and_each_of_its_tags_a_choice() -> None:
    trades = (trade("B/USDT", tag="dip"), trade("A/USDT", profit=-2.0, tag=""))

    page = Page(render_report(report(result=replace(parts(), trades=trades))))

    rows = [each["data-trade"] for tag, each in page.elements if tag == "tr" and each]
    choices = [each["value"] for tag, each in page.elements if tag == "option"]
    assert rows == ["0", "1"]
    assert choices[1:] == ["*", "=A/USDT", "=B/USDT", "*", "=", "=dip", "*", "=A/USDT", "=B/USDT"]
    assert {"2025-01-31 23:30", "2025-02-01 00:30", "\u22122.0000", "+1.5000"} <= set(page.texts)


def test_a_tag_that_no_bot_can_store_is_cut_in_the_page_and_whole_in_the_data() -> None:
    long, longest = "x" * 256, "y" * 255
    tags = tuple(replace(group("any"), name=name) for name in (long, longest))
    reasons = (replace(group("any"), name="z" * 256),)
    trades = (trade(tag=long), trade(tag=longest), replace(trade(), exit_reason=long))
    cut = replace(parts(), trades=trades, entry_tags=tags, exit_reasons=reasons)

    html = render_report(report(result=cut))
    uncut = render_report(report(result=replace(parts(), trades=trades[1:2])))
    cut_reason = render_report(report(result=replace(parts(), trades=trades[2:])))

    page = Page(html)
    assert long not in html
    assert {f"{'x' * 255}\u2026", f"{'z' * 255}\u2026"} <= set(page.texts)
    assert longest in page.texts
    remarks = ["trades.parquet has them whole" in each for each in (html, cut_reason, uncut)]
    assert remarks == [True, True, False]
    assert json.loads(page.data["charts"])["trades"][0][9] == f"{'x' * 255}\u2026"
    assert long in json.loads(report_data(cut))["entry_tags"]["name"]


def test_a_list_of_more_trades_than_a_page_can_hold_says_where_all_are() -> None:
    trades = (trade(),) * (MOST_ROWS + 1)

    page = Page(render_report(report(result=RunReportParts(trades=trades))))

    assert sum(tag == "tr" for tag, _ in page.elements) == MOST_ROWS + 6
    assert "The first 3,000 of 3,001 trades; trades.parquet has all of them." in page.texts


def test_rows_beyond_the_first_screens_are_text_to_a_browser_that_runs_scripts() -> None:
    html = render_report(report(result=replace(parts(), trades=(trade(),) * 100)))

    first, later = html.split('<noscript id="later-trades">')
    assert first.count("data-trade=") == 60
    assert later.split("</noscript>")[0].count("data-trade=") == 40


def test_text_that_is_not_unicode_can_still_be_written() -> None:
    html = render_report(report("folder\udcff"))

    assert "folder\\udcff" in html.encode().decode()


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.0, "0.00"), (-0.00049, "0.00"), (-1234.5, "\u22121,234.50"), (0.005001, "+0.01")],
)
def test_only_a_value_that_does_not_round_to_zero_has_a_sign(value: float, shown: str) -> None:
    assert signed(value, 2) == shown


@pytest.mark.parametrize("ratio", [None, float("nan"), float("inf")])
def test_a_missing_figure_is_shown_as_a_dash(ratio: float | None) -> None:
    assert percent(ratio) == "\u2013"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, "\u2013"),
        (59.94, "59.9 s"),
        (60.0, "1 min"),
        (3599.6, "1 h"),
        (90_061.0, "1 d 1 h"),
        (86_405.0, "1 d"),
    ],
)
def test_a_duration_is_shown_in_its_two_largest_units(seconds: float | None, shown: str) -> None:
    assert duration(seconds) == shown


@pytest.mark.parametrize(
    ("amounts", "decimals"), [([], 2), ([0.0], 2), ([1000.0, 0.001], 2), ([-0.5], 4), ([0.002], 8)]
)
def test_small_amounts_are_shown_with_more_decimals(amounts: list[float], decimals: int) -> None:
    assert decimals_for(amounts) == decimals


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("1515620100-1517288100", "2018-01-10 21:35 to 2018-01-30 04:55 UTC"),
        ("1515620100-", "from 2018-01-10 21:35 UTC"),
        ("-1515620100", "up to 2018-01-10 21:35 UTC"),
        ("20250101-20250401", "20250101-20250401"),
        ("-", "-"),
    ],
)
def test_a_time_range_is_shown_in_days_or_instants(text: str, shown: str) -> None:
    assert time_range_text(text) == shown


def test_amounts_of_a_dear_coin_have_all_its_decimals_whatever_the_balance() -> None:
    assert decimals_for([25.0], "BTC") == decimals_for([0.5], "ETH") == 8
    assert decimals_for([25.0], "USDT") == 2

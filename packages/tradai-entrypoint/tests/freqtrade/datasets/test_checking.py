"""`data check` finds faults in rows, and says what a backtest would do with them."""

import gzip
import json
import math
import os
import signal
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import feather

from tradai.core import FileStore, StoredObject, to_epoch_ms
from tradai.core.exceptions import TradAIError
from tradai.entrypoint import ExitCode, Interrupts
from tradai.entrypoint._cli import run_command
from tradai.entrypoint.freqtrade import Effect, check_series
from tradai.entrypoint.freqtrade._candles.staged_data import NeededSeries, StagingRequest
from tradai.entrypoint.freqtrade._candles.staging_child import stage_series

START = datetime(2025, 1, 1, tzinfo=UTC)
NAMES = ["date", "open", "high", "low", "close", "volume"]
GOOD = [[START + timedelta(minutes=at), 100.0, 101.0, 99.0, 100.5, 2.0] for at in range(6)]


def minutes(first: int, end: int) -> list[list[object]]:
    return [[START + timedelta(minutes=at)] for at in range(first, end)]


def changed(place: int, column: str, value: object) -> list[list[object]]:
    rows: list[list[object]] = [list(row) for row in GOOD]
    rows[place][NAMES.index(column)] = value
    return rows


def save(
    folder: Path, rows: list[list[object]], kind: str = "feather", zone: str | None = "UTC"
) -> Path:
    kinds = [pa.timestamp("ms", tz=zone), *[pa.float64()] * 5]
    columns = [[row[at] for row in rows] for at in range(len(NAMES))]
    table = pa.table(
        dict(zip(NAMES, map(pa.array, columns, kinds), strict=True)),
    )
    path = folder / f"BTC_USDT-1m.{kind}"
    if kind == "feather":
        feather.write_feather(table, path)
    else:
        pq.write_table(table, path)
    return path


def refuses(folder: Path) -> bool:
    """Stage the series as a run does; return whether that refuses it."""
    series = NeededSeries(pair="BTC/USDT", timeframe="1m", warmup=0, is_traded=True)
    request = StagingRequest(
        data=str(folder), folder=folder / "staged", series=(series,), timerange=None
    )
    try:
        stage_series(request)
    except TradAIError:
        return True
    return False


def check(*words: object) -> int:
    return run_command(["data", "check", *map(str, words)], interrupts=Interrupts())


@pytest.mark.parametrize("command", ["check", "list"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_reading_of_candles(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    number: signal.Signals,
) -> None:
    save(tmp_path, GOOD)
    save(tmp_path, GOOD, "parquet")
    read = FileStore.read
    files: list[str] = []

    def read_and_stop(store: FileStore, uri: str) -> StoredObject:
        files.append(uri)
        signal.raise_signal(number)
        return read(store, uri)

    monkeypatch.setattr(FileStore, "read", read_and_stop)
    with Interrupts() as interrupts:
        code = run_command(["data", command, str(tmp_path)], interrupts=interrupts)

    assert (code, len(files)) == (128 + number, 1)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("kind", ["feather", "parquet"])
@pytest.mark.parametrize(
    ("rows", "problem", "effect"),
    [
        (GOOD[:2] + GOOD[4:], "1 gap with 2 missing candles", Effect.FILLED),
        (GOOD[:3] + GOOD[2:], "1 row with a time that another one has", Effect.CONVERTIBLE),
        (GOOD[3:] + GOOD[:3], "1 row older than the one before", Effect.CONVERTIBLE),
        (changed(2, "close", math.nan), "1 row where close is not a number", Effect.REFUSED),
        (changed(2, "volume", math.inf), "1 row where volume is not a number", Effect.REFUSED),
        (changed(2, "low", 0.0), "1 row with a price of zero", Effect.TRADED),
        (changed(2, "low", -1.0), "1 row with a negative price", Effect.REFUSED),
        (changed(2, "volume", -1.0), "1 row with a negative volume", Effect.REFUSED),
        (changed(2, "high", 98.0), "1 row with a high below the low", Effect.REFUSED),
        (
            changed(2, "high", 100.2),
            "1 row with open or close outside of low to high",
            Effect.REFUSED,
        ),
        (
            changed(2, "date", START + timedelta(seconds=125)),
            "1 row off the grid of 1m",
            Effect.REFUSED,
        ),
        (changed(2, "date", None), "1 row without a time", Effect.CONVERTIBLE),
        ([], "it has no rows", Effect.REFUSED),
    ],
)
def test_each_fault_has_the_effect_that_a_run_shows(
    tmp_path: Path, rows: list[list[object]], problem: str, effect: Effect, kind: str
) -> None:
    save(tmp_path, rows, kind)

    found = {finding.problem: finding for finding in check_series(str(tmp_path)).findings}

    assert found[problem].effect is effect
    assert refuses(tmp_path) is (effect in {Effect.REFUSED, Effect.CONVERTIBLE})


def convert(folder: Path, target: Path) -> int:
    words = ["data", "convert", str(folder), str(target), "--to", "feather"]
    return run_command(words, interrupts=Interrupts())


@pytest.mark.parametrize(
    ("rows", "zone", "advice"),
    [
        (GOOD[:3] + GOOD[2:], "UTC", "convert FOLDER TARGET` mends it"),
        (GOOD[3:] + GOOD[:3] + GOOD[:1], "UTC", "convert FOLDER TARGET` mends them"),
        (changed(2, "date", None), "UTC", "convert FOLDER TARGET` mends it"),
        (GOOD, "Asia/Kolkata", "convert FOLDER TARGET` mends it"),
    ],
)
def test_a_fault_that_a_conversion_mends_is_said_to_be_mended_by_it(
    tmp_path: Path,
    rows: list[list[object]],
    zone: str,
    advice: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    save(tmp_path, rows, zone=zone)

    assert check(tmp_path) == ExitCode.DATA
    said = capsys.readouterr().err
    assert convert(tmp_path, tmp_path / "mended") == 0
    assert check(tmp_path / "mended") == 0

    assert said.strip().endswith(advice)
    assert not refuses(tmp_path / "mended")


def test_other_faults_are_left_to_the_exchange(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save(tmp_path, changed(2, "volume", -1.0))
    check(tmp_path)
    alone = capsys.readouterr().err
    save(tmp_path, [*changed(2, "volume", -1.0), GOOD[-1]])
    check(tmp_path)
    beside = capsys.readouterr().err

    advice = "do what a finding asks for, or get the candles at fault from the exchange again"
    assert alone.strip().endswith(f"1 fault, 0 notes; {advice}")
    assert "2 faults, 0 notes; `tradai-entrypoint data convert FOLDER TARGET` mends 1" in beside
    assert beside.strip().endswith(f"for the others {advice}")


@pytest.mark.parametrize("kind", ["feather", "parquet"])
@pytest.mark.parametrize("zone", ["UTC", "+00:00", "Asia/Kolkata", "Etc/UTC", None])
def test_dates_in_a_time_zone_that_a_run_refuses_are_a_fault(
    tmp_path: Path, zone: str | None, kind: str
) -> None:
    save(tmp_path, GOOD, kind, zone)

    found = [each.problem for each in check_series(str(tmp_path)).findings]

    assert refuses(tmp_path) is bool(found)
    assert all(f"the dates are in {zone or 'no time zone'}, not in UTC" in each for each in found)


def edited(folder: Path, kind: str, edit: Callable[[pa.Table], pa.Table]) -> None:
    """Save good candles with a change to their table."""
    path = save(folder, GOOD, kind)
    table = edit(pq.read_table(path) if kind == "parquet" else feather.read_table(path))
    if kind == "feather":
        feather.write_feather(table, path)
    else:
        pq.write_table(table, path)


def years_later(years: int) -> Callable[[pa.Table], pa.Table]:
    """Return an edit that moves the last candle."""

    def moved(table: pa.Table) -> pa.Table:
        dates = table["date"].to_pylist()
        dates[-1] = dates[-1].replace(year=dates[-1].year + years)
        return table.set_column(0, "date", pa.array(dates, pa.timestamp("ms", tz="UTC")))

    return moved


def close_of(kind: pa.DataType) -> Callable[[pa.Table], pa.Table]:
    """Return an edit that stores the closing prices as another kind."""

    def stored(table: pa.Table) -> pa.Table:
        closes = table["close"]
        is_list = pa.types.is_list(kind)
        other = pa.array([[each.as_py()] for each in closes]) if is_list else closes.cast(kind)
        return table.set_column(4, "close", other)

    return stored


@pytest.mark.parametrize("kind", ["feather", "parquet"])
@pytest.mark.parametrize(
    ("edit", "problem", "effect"),
    [
        (close_of(pa.string()), "close is of text, not of numbers", Effect.CONVERTIBLE),
        (close_of(pa.large_string()), "close is of text", Effect.CONVERTIBLE),
        (close_of(pa.bool_()), "close is of bool, not of numbers", Effect.REFUSED),
        (close_of(pa.list_(pa.float64())), "close is of list<", Effect.REFUSED),
        (
            lambda table: table.drop_columns(["volume"]),
            "volume is missing among the columns date, open, high, low, close",
            Effect.REFUSED,
        ),
        (
            lambda table: table.rename_columns([name.upper() for name in NAMES]),
            f"{', '.join(NAMES)} is missing among the columns DATE, OPEN, HIGH, LOW, CLOSE, VOLUME",
            Effect.REFUSED,
        ),
        (
            years_later(300),
            "row 6 is of 2325-01-01T00:05:00, outside the years 1970 to 2199",
            Effect.REFUSED,
        ),
        (
            years_later(-100),
            "row 6 is of 1925-01-01T00:05:00, outside the years 1970 to 2199",
            Effect.REFUSED,
        ),
    ],
)
def test_a_file_of_something_else_is_a_fault_that_a_run_refuses(
    tmp_path: Path,
    edit: Callable[[pa.Table], pa.Table],
    problem: str,
    effect: Effect,
    kind: str,
) -> None:
    edited(tmp_path, kind, edit)

    found = {finding.problem: finding for finding in check_series(str(tmp_path)).findings}

    (named,) = [each for text, each in found.items() if problem in text]
    assert named.effect is effect
    assert named.path.name == f"BTC_USDT-1m.{kind}"
    assert not any("damaged" in text for text in found)
    assert refuses(tmp_path)


@pytest.mark.parametrize("kind", ["feather", "parquet"])
@pytest.mark.parametrize(
    ("target", "problem"),
    [
        ("{}/../elsewhere", "a link takes {} out of {folder}: put the file itself there"),
        ("gone", "cannot read {}: it is a link to nothing; look whether its volume is there"),
    ],
)
def test_a_link_that_a_run_refuses_is_a_fault(
    tmp_path: Path, target: str, problem: str, kind: str
) -> None:
    folder = tmp_path / "candles"
    folder.mkdir()
    path = save(folder, GOOD, kind)
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(target.format(folder))

    (finding,) = check_series(str(folder)).findings

    assert finding.problem == problem.format(path, folder=folder)
    assert finding.effect is Effect.REFUSED
    assert refuses(folder)


@pytest.mark.parametrize("kind", ["feather", "parquet"])
def test_a_link_inside_the_folder_is_read_as_a_run_reads_it(tmp_path: Path, kind: str) -> None:
    path = save(tmp_path, GOOD, kind)
    path.rename(tmp_path / "candles")
    path.symlink_to("candles")

    assert not check_series(str(tmp_path)).findings
    assert not refuses(tmp_path)


def test_funding_rates_are_read_through_a_link_that_leads_out(tmp_path: Path) -> None:
    folder = tmp_path / "candles"
    folder.mkdir()
    save_rates(folder, [0, 0])
    (path,) = folder.glob("futures/*")
    path.rename(tmp_path / "rates")
    path.symlink_to(tmp_path / "rates")

    assert not check_series(str(folder)).findings
    assert not refuses_contract(folder, "funding_rate", "8h")


def test_prices_of_text_are_written_as_numbers(tmp_path: Path) -> None:
    edited(tmp_path, "feather", close_of(pa.string()))

    words = ["data", "convert", str(tmp_path), str(tmp_path / "new"), "--to", "parquet"]
    assert run_command(words, interrupts=Interrupts()) == 0

    assert not check_series(str(tmp_path / "new")).findings
    assert not refuses(tmp_path / "new")


def test_good_candles_have_no_findings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save(tmp_path, GOOD)

    assert check(tmp_path) == 0

    assert capsys.readouterr().out == "checked 6 rows in 1 series: 0 faults, 0 notes\n"
    assert not refuses(tmp_path)


@pytest.mark.parametrize("name", ["feather", "parquet", "json", "json.gz"])
def test_half_a_file_is_a_fault(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = save(tmp_path, GOOD).read_bytes()
    (tmp_path / "BTC_USDT-1m.feather").unlink()
    (tmp_path / f"BTC_USDT-1m.{name}").write_bytes(whole[: len(whole) // 2])

    assert check(tmp_path) == ExitCode.DATA

    printed = capsys.readouterr()
    assert "damaged or half-written" in printed.out
    assert "1 fault, 0 notes" in printed.err


def test_a_last_candle_that_is_open_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # At midnight, a candle that is open when it is written is closed when it is checked.
    opened, noon = (datetime(2025, 1, 2, hour, tzinfo=UTC) for hour in (0, 12))
    monkeypatch.setattr("tradai.entrypoint.freqtrade._datasets.findings.utc_now", lambda: noon)
    times = [to_epoch_ms(opened) - 86_400_000, to_epoch_ms(opened)]
    path = tmp_path / "BTC_USDT-1d.json"
    path.write_text(json.dumps([[at, 1.0, 1.0, 1.0, 1.0, 1.0] for at in times]))
    os.utime(path, (noon.timestamp(), noon.timestamp()))

    (finding, _) = check_series(str(tmp_path)).findings

    assert finding.effect is Effect.LEFT_OUT
    assert finding.first == opened


def test_a_last_candle_that_was_stored_half_done_is_a_fault(tmp_path: Path) -> None:
    path = save(tmp_path, GOOD)
    stored = (START + timedelta(minutes=5, seconds=30)).timestamp()
    os.utime(path, (stored, stored))

    (finding,) = check_series(str(tmp_path)).findings

    assert finding.effect is Effect.TRADED
    assert "before it closed at 2025-01-01 00:06" in finding.problem
    assert not refuses(tmp_path)


def test_a_series_in_two_formats_is_a_fault(tmp_path: Path) -> None:
    save(tmp_path, GOOD)
    save(tmp_path, GOOD, "parquet")

    checked = check_series(str(tmp_path))

    assert [finding.effect for finding in checked.findings] == [Effect.REFUSED]
    assert checked.series == 1
    assert refuses(tmp_path)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (GOOD, "the same rows as BTC_USDT-1m.feather"),
        (GOOD[:-1], "other rows than BTC_USDT-1m.feather"),
    ],
)
def test_a_series_beside_its_json_has_the_same_rows_or_others(
    tmp_path: Path, rows: list[list[object]], said: str
) -> None:
    save(tmp_path, rows)
    stored = [[to_epoch_ms(START) + at * 60_000, *row[1:]] for at, row in enumerate(GOOD)]
    # The order of rows is not their content.
    (tmp_path / "BTC_USDT-1m.json").write_text(json.dumps(stored[::-1]))

    findings = check_series(str(tmp_path)).findings

    twice = [finding for finding in findings if finding.effect is Effect.TWICE]
    assert [(each.path.suffix, each.problem) for each in twice] == [(".json", f"it has {said}")]
    assert Effect.NOT_READ not in {each.effect for each in findings}


def test_two_files_that_no_run_reads_are_said_not_to_be_read(tmp_path: Path) -> None:
    text = json.dumps([[to_epoch_ms(START), 100.0, 101.0, 99.0, 100.5, 2.0]]).encode()
    (tmp_path / "BTC_USDT-1m.json").write_bytes(text)
    (tmp_path / "BTC_USDT-1m.json.gz").write_bytes(gzip.compress(text))

    effects = [finding.effect for finding in check_series(str(tmp_path)).findings]

    assert effects == [Effect.TWICE, Effect.NOT_READ, Effect.NOT_READ]


def test_rows_that_differ_are_said_of_a_refused_pair_too(tmp_path: Path) -> None:
    save(tmp_path, GOOD)
    save(tmp_path, GOOD[:-1], "parquet")

    (finding,) = check_series(str(tmp_path)).findings

    assert finding.problem.startswith("it is stored as feather and as parquet, with other rows")


def test_notes_fail_on_request_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save(tmp_path, GOOD[:2] + GOOD[3:])

    assert check(tmp_path) == 0
    assert "1 note" in capsys.readouterr().out
    assert check(tmp_path, "--strict", "--json") == ExitCode.DATA

    values = json.loads(capsys.readouterr().out)
    (finding,) = values["findings"]
    assert (finding["is_fault"], finding["first"]) == (False, "2025-01-01T00:02:00+00:00")


def test_funding_rates_and_trades_have_rules_of_their_own(tmp_path: Path) -> None:
    start = to_epoch_ms(START)
    (tmp_path / "futures").mkdir()
    rates = [[start, -0.001], [start + 28_800_000 * 3, 0.0]]
    (tmp_path / "futures/BTC_USDT_USDT-8h-funding_rate.json").write_text(json.dumps(rates))
    trades = [[start, "1", None, "buy", 1.0, 1.0, 1.0], [start, "2", None, "buy", 1.0, 1.0, 1.0]]
    (tmp_path / "BTC_USDT-trades.json").write_text(json.dumps(trades))

    missing, form = check_series(str(tmp_path)).findings
    assert (missing.problem, missing.effect) == ("1 gap with 2 missing rates", Effect.UNCHARGED)
    assert missing.first == START + timedelta(hours=8)
    assert (form.problem, form.effect) == ("it is json", Effect.NOT_READ)


def save_series(folder: Path, kind: str, *prices: float) -> None:
    """Write candles of a kind of contract data, five minutes apart; a price of nan is a gap."""
    (folder / "futures").mkdir()
    start = to_epoch_ms(START)
    rows = [
        [start + at * 300_000, *[price] * 4, 0.0]
        for at, price in enumerate(prices)
        if not math.isnan(price)
    ]
    (folder / f"futures/BTC_USDT_USDT-5m-{kind}.json").write_text(json.dumps(rows))


@pytest.mark.parametrize("prices", [(-0.001, 0.0, 0.002), (0.00001, -0.00002, math.nan, 0.01)])
def test_a_premium_may_be_negative_and_leap(tmp_path: Path, prices: tuple[float, ...]) -> None:
    save_series(tmp_path, "premiumIndex", *prices)

    findings = check_series(str(tmp_path)).findings

    assert {each.effect for each in findings} <= {Effect.ASIDE}


@pytest.mark.parametrize(
    ("prices", "problem", "effect"),
    [
        ((1.0, 0.0, 1.0), "1 row with a price of zero", Effect.UNREAD),
        ((1.0, 9.0, 9.0), "1 jump that no market makes", Effect.UNREAD),
        ((1.0, math.nan, 1.0), "1 gap with 1 missing candle", Effect.ASIDE),
    ],
)
def test_a_series_that_no_run_reads_is_not_said_to_be_traded_on_or_filled(
    tmp_path: Path, prices: tuple[float, ...], problem: str, effect: Effect
) -> None:
    save_series(tmp_path, "index", *prices)

    findings = check_series(str(tmp_path)).findings

    assert (problem, effect) in [(each.problem.partition(":")[0], each.effect) for each in findings]
    assert not any("a backtest" in each.effect.value for each in findings)


def save_trades(folder: Path, *rows: tuple[int | None, float]) -> None:
    start = to_epoch_ms(START)
    trades = [
        [None if after is None else start + after, str(at), None, "buy", price, 1.0, price]
        for at, (after, price) in enumerate(rows)
    ]
    (folder / "BTC_USDT-trades.json").write_text(json.dumps(trades))


@pytest.mark.parametrize(
    ("rows", "problem", "effect"),
    [
        ([(5, 1.0), (0, 1.0)], "1 row older than the one before", Effect.MENDED),
        ([(0, 1.0), (None, 1.0)], "1 row without a time", Effect.MENDED),
        ([(0, 1.0), (5, math.inf)], "1 row where price is not a number", Effect.UNREAD),
        ([], "it has no rows", Effect.UNREAD),
    ],
)
def test_faults_of_trades_are_not_said_to_stop_a_run_which_reads_none(
    tmp_path: Path, rows: list[tuple[int | None, float]], problem: str, effect: Effect
) -> None:
    save_trades(tmp_path, *rows)

    (finding,) = check_series(str(tmp_path)).findings

    assert (finding.problem, finding.effect) == (problem, effect)
    assert "no run reads" in effect.value


def test_trades_that_data_convert_mends_are_a_note_and_others_a_fault(tmp_path: Path) -> None:
    save_trades(tmp_path, (5, 1.0), (0, 1.0))
    assert check(tmp_path) == 0

    (tmp_path / "BTC_USDT-trades.json").write_text("[[")
    assert check(tmp_path) == ExitCode.DATA


def save_rates(folder: Path, late_ms: list[int], kind: str = "feather") -> None:
    start, step = to_epoch_ms(START), 28_800_000
    times = [start + at * step + late for at, late in enumerate(late_ms)]
    table = pa.table(
        {
            "date": pa.array(times, pa.timestamp("ms", tz="UTC")),
            "funding_rate": pa.array([0.0001] * len(times), pa.float64()),
        }
    )
    path = folder / f"futures/BTC_USDT_USDT-8h-funding_rate.{kind}"
    path.parent.mkdir(exist_ok=True)
    if kind == "feather":
        feather.write_feather(table, path)
    else:
        pq.write_table(table, path)


def refuses_contract(folder: Path, kind: str, timeframe: str) -> bool:
    """Stage the series of a contract as a run does; return whether that refuses it."""
    series = NeededSeries(
        pair="BTC/USDT:USDT", timeframe=timeframe, warmup=0, is_traded=True, kind=kind
    )
    request = StagingRequest(
        data=str(folder), folder=folder / "staged", series=(series,), timerange=None
    )
    try:
        stage_series(request)
    except TradAIError:
        return True
    return False


@pytest.mark.parametrize("late_ms", [[0, 3, 999], [0, 60_000, 0]])
def test_funding_rates_that_come_late_are_no_finding(tmp_path: Path, late_ms: list[int]) -> None:
    save_rates(tmp_path, late_ms)

    assert check_series(str(tmp_path)).findings == ()
    assert not refuses_contract(tmp_path, "funding_rate", "8h")


def test_two_funding_rates_of_one_second_are_a_fault(tmp_path: Path) -> None:
    save_rates(tmp_path, [0, -28_800_000 + 3])

    (finding,) = check_series(str(tmp_path)).findings

    assert finding.effect is Effect.REFUSED
    assert refuses_contract(tmp_path, "funding_rate", "8h")


@pytest.mark.parametrize("kind", ["futures", "mark"])
def test_contract_candles_in_two_formats_are_a_fault(tmp_path: Path, kind: str) -> None:
    (tmp_path / "futures").mkdir()
    for file_format in ("feather", "parquet"):
        path = save(tmp_path, GOOD, file_format)
        path.rename(tmp_path / f"futures/BTC_USDT_USDT-1m-{kind}.{file_format}")

    (finding,) = check_series(str(tmp_path)).findings

    assert finding.effect is Effect.REFUSED
    assert refuses_contract(tmp_path, kind, "1m")


def test_funding_rates_in_two_formats_are_a_fault(tmp_path: Path) -> None:
    save_rates(tmp_path, [0, 0])
    save_rates(tmp_path, [0, 0], "parquet")

    (finding,) = check_series(str(tmp_path)).findings

    assert (finding.path.suffix, finding.effect) == (".parquet", Effect.TRADED)
    assert not refuses_contract(tmp_path, "funding_rate", "8h")


@pytest.mark.parametrize(
    ("name", "effects"),
    [
        ("1m-futures", [Effect.NOT_READ]),
        ("1m-mark", [Effect.NOT_READ]),
        ("8h-funding_rate", [Effect.NOT_READ]),
        ("1m-index", []),
    ],
)
def test_json_of_a_kind_that_a_run_needs_is_a_note(
    tmp_path: Path, name: str, effects: list[Effect]
) -> None:
    start = to_epoch_ms(START)
    row = [start, 0.1] if "rate" in name else [start, 100.0, 101.0, 99.0, 100.5, 2.0]
    (tmp_path / "futures").mkdir()
    (tmp_path / f"futures/BTC_USDT_USDT-{name}.json").write_text(json.dumps([row]))

    assert [finding.effect for finding in check_series(str(tmp_path)).findings] == effects


@pytest.mark.parametrize(
    ("missing", "problem"),
    [
        (0, "1 jump that no market makes: open 1000 next to 100.5"),
        (2, "the price after a gap is 9.95 times the one before"),
    ],
)
def test_a_price_that_leaps_is_a_fault_that_a_run_trades_on(
    tmp_path: Path, missing: int, problem: str
) -> None:
    later = [[row[0], 1000.0, 1010.0, 990.0, 1005.0, 2.0] for row in GOOD[4:]]
    save(tmp_path, GOOD[: 4 - missing] + later)

    found = [each for each in check_series(str(tmp_path)).findings if each.effect is Effect.TRADED]

    assert [(each.problem, each.first) for each in found] == [(problem, GOOD[4][0])]
    assert not refuses(tmp_path)


@pytest.mark.parametrize(
    ("number", "volume", "is_said"), [(500, 2.0, 1), (499, 2.0, 0), (500, 0.0, 0)]
)
def test_trades_at_one_price_for_long_are_a_note(
    tmp_path: Path, number: int, volume: float, is_said: int
) -> None:
    still = [[*row[:1], 100.0, 100.0, 100.0, 100.0, volume] for row in minutes(6, 6 + number)]
    later = [
        [*row[:1], 100.5, 100.5, 100.5, 100.5, volume] for row in minutes(6 + number, 9 + number)
    ]
    save(tmp_path, GOOD + still + later)

    found = check_series(str(tmp_path))

    problem = "500 rows with a volume and one price, 500 or more in a row"
    expected = [(problem, still[0][0], Effect.DOUBTFUL)] * is_said
    assert [(each.problem, each.first, each.effect) for each in found.findings] == expected
    assert found.faults == 0


def walk(number: int) -> list[list[float]]:
    """Prices and volumes of a market, so many, each of its own."""
    return [
        [100 + at / 64, 101 + at / 64, 99 + at / 64, 100.5 + at / 64, at % 7]
        for at in range(number)
    ]


@pytest.mark.parametrize(("copied", "is_said"), [(20, 1), (19, 0)])
def test_a_block_that_is_there_a_second_time_at_another_time_is_a_note(
    tmp_path: Path, copied: int, is_said: int
) -> None:
    numbers = walk(60)
    told = [row for row in numbers[:30] if row[-1]][:copied]
    # Rows without volume are passed over.
    numbers[30 : 30 + copied + 1] = [*told[:5], [100, 101, 99, 100.5, 0.0], *told[5:]]
    save(tmp_path, [[*at, *row] for at, row in zip(minutes(0, 60), numbers, strict=True)])

    found = check_series(str(tmp_path))

    problem = "20 rows equal to earlier ones in all numbers, 20 or more in a row"
    expected = [(problem, START + timedelta(minutes=30), Effect.DOUBTFUL)] * is_said
    assert [(each.problem, each.first, each.effect) for each in found.findings] == expected
    assert found.faults == 0


def test_rows_that_are_there_twice_at_one_time_are_no_copied_block(tmp_path: Path) -> None:
    rows = [[*at, *row] for at, row in zip(minutes(0, 60), walk(60), strict=True)]
    save(tmp_path, rows + rows)

    problems = [each.problem for each in check_series(str(tmp_path)).findings]

    assert "60 rows with a time that another one has" in problems
    assert not [each for each in problems if "earlier ones" in each]


@pytest.mark.parametrize("period", [1, 2, 19])
def test_a_market_of_few_prices_and_amounts_is_no_copy(tmp_path: Path, period: int) -> None:
    numbers = walk(40)[8:]
    rows = [[*at, *numbers[place % period]] for place, at in enumerate(minutes(0, 200))]
    save(tmp_path, rows)

    assert check_series(str(tmp_path)).findings == ()


def test_a_series_without_any_volume_is_a_note(tmp_path: Path) -> None:
    save(tmp_path, [[*row[:-1], 0.0] for row in GOOD])

    found = check_series(str(tmp_path))

    assert [(each.problem, each.effect) for each in found.findings] == [
        ("no row has a volume", Effect.DOUBTFUL)
    ]
    assert found.faults == 0


def test_a_price_that_is_not_a_number_leaps_nowhere(tmp_path: Path) -> None:
    later = [[row[0], math.nan, *row[2:]] for row in GOOD[4:]]
    save(tmp_path, GOOD[:2] + later)

    problems = [each.problem for each in check_series(str(tmp_path)).findings]

    assert problems
    assert not [problem for problem in problems if "nan times" in problem]

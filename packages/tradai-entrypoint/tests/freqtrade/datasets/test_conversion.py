"""`data convert` writes other formats and longer candles, and counts what it changed."""

import gzip
import json
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE, STDOUT, Popen
from threading import Barrier

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import feather

from tradai.core import Timeframe
from tradai.core.exceptions import NotFoundError, TradAIError, ValidationError
from tradai.core.frames import CandleColumns, ParquetDataRepository
from tradai.entrypoint import ExitCode, Interrupts
from tradai.entrypoint._cli import run_command
from tradai.entrypoint.freqtrade import Resampling, convert_series, list_series
from tradai.entrypoint.freqtrade._candles.dataset import dataset_notices
from tradai.entrypoint.freqtrade._datasets.writing import FolderInUseError, sole_writer

START_MS = 1_735_689_600_000
MINUTE_MS = 60_000
HOURS = Resampling(source=Timeframe("20m"), target=Timeframe("1h"))


def row(minute: int, price: float = 100.0) -> list[float | None]:
    return [START_MS + minute * MINUTE_MS, price, price + 1, price - 1, price + 0.5, 2.0]


def write(path: Path, rows: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(rows))


def convert(*words: object) -> int:
    return run_command(["data", "convert", *map(str, words)], interrupts=Interrupts())


def read(path: Path) -> list[list[float]]:
    rows: list[list[float]] = json.loads(path.read_bytes())
    return rows


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return tmp_path / "source"


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "target"


def test_rows_are_sorted_and_the_last_of_one_time_is_kept(source: Path, target: Path) -> None:
    write(source / "BTC_USDT-1m.json", [row(2), row(0), row(1), row(2, 7.0), [None, *row(3)[1:]]])

    (done,) = convert_series(str(source), target, file_format="json")

    assert read(target / "BTC_USDT-1m.json") == [row(0), row(1), row(2, 7.0)]
    assert (done.read, done.written) == (5, 3)
    assert (done.undated, done.moved, done.repeated) == (1, 1, 1)


def test_a_missing_number_stays_missing(source: Path, target: Path) -> None:
    rows = [row(0), [*row(1)[:5], None]]
    write(source / "BTC_USDT-1m.json", rows)

    convert_series(str(source), target, file_format="feather")
    again = target / "again"
    convert_series(str(target), again, file_format="json.gz")

    assert json.loads(gzip.decompress((again / "BTC_USDT-1m.json.gz").read_bytes())) == rows


def test_longer_candles_are_whole_ones(source: Path, target: Path) -> None:
    minutes = [20, 40, 60, 80, 100, 120, 160, 180]
    write(source / "BTC_USDT-20m.json", [row(at, float(at)) for at in minutes])

    (done,) = convert_series(str(source), target, file_format="json", resampling=HOURS)

    # The first and the last hour lack candles and are left out; the third has a gap.
    assert read(target / "BTC_USDT-1h.json") == [
        [START_MS + 60 * MINUTE_MS, 60.0, 101.0, 59.0, 100.5, 6.0],
        [START_MS + 120 * MINUTE_MS, 120.0, 161.0, 119.0, 160.5, 4.0],
    ]
    assert (done.partial, done.thin) == (2, 1)


def test_a_contract_keeps_mark_candles_and_funding_rates_beside_its_longer_candles(
    source: Path, target: Path
) -> None:
    rates = [[START_MS, 0.0001]]
    for kind in ("futures", "mark"):
        write(
            source / "futures" / f"BTC_USDT_USDT-20m-{kind}.json",
            [row(at) for at in range(0, 120, 20)],
        )
    write(source / "futures" / "BTC_USDT_USDT-1h-funding_rate.json", rates)

    convert_series(str(source), target, file_format="json", resampling=HOURS)

    written = {path.name: read(path) for path in (target / "futures").iterdir()}
    assert {name: len(found) for name, found in written.items()} == {
        "BTC_USDT_USDT-1h-futures.json": 2,
        "BTC_USDT_USDT-20m-mark.json": 6,
        "BTC_USDT_USDT-1h-funding_rate.json": 1,
    }
    assert written["BTC_USDT_USDT-1h-funding_rate.json"] == rates


def test_longer_candles_of_a_contract_are_made_beside_shorter_ones_that_were_converted(
    source: Path, target: Path
) -> None:
    folder = source / "futures"
    write(folder / "BTC_USDT_USDT-20m-futures.json", [row(at) for at in range(0, 120, 20)])
    write(folder / "BTC_USDT_USDT-1h-funding_rate.json", [[START_MS, 0.0001]])
    convert_series(str(source), target, file_format="json")

    convert_series(str(source), target, file_format="json", resampling=HOURS)

    names = {path.name for path in (target / "futures").iterdir()}
    assert names == {f"BTC_USDT_USDT-{each}.json" for each in ("20m-futures", "1h-futures")} | {
        "BTC_USDT_USDT-1h-funding_rate.json"
    }


def test_longer_candles_of_a_contract_in_its_own_folder_leave_its_rates_alone(source: Path) -> None:
    folder = source / "futures"
    write(folder / "BTC_USDT_USDT-20m-futures.json", [row(at) for at in range(0, 120, 20)])
    write(folder / "BTC_USDT_USDT-1h-funding_rate.json", [[START_MS, 0.0001]])

    convert_series(str(source), source, file_format="json", resampling=HOURS)

    assert read(folder / "BTC_USDT_USDT-1h-funding_rate.json") == [[START_MS, 0.0001]]
    assert len(read(folder / "BTC_USDT_USDT-1h-futures.json")) == 2


def test_mark_candles_alone_make_no_longer_ones(source: Path, target: Path) -> None:
    write(source / "futures" / "BTC_USDT_USDT-20m-mark.json", [row(0)])

    with pytest.raises(NotFoundError, match="there are no candles of 20m"):
        convert_series(str(source), target, file_format="json", resampling=HOURS)
    assert not target.exists()


def test_days_make_months_of_the_calendar(source: Path, target: Path) -> None:
    write(source / "BTC_USDT-1d.json", [row(day * 1440) for day in range(60)])
    months = Resampling(source=Timeframe("1d"), target=Timeframe("1M"))

    (done,) = convert_series(str(source), target, file_format="json", resampling=months)

    volumes = [values[5] for values in read(target / "BTC_USDT-1Mo.json")]
    assert (volumes, done.partial) == ([62.0, 56.0], 1)


@pytest.mark.parametrize(
    ("source_timeframe", "timeframe"),
    [("1h", "20m"), ("1h", "1h"), ("20m", "30m"), ("1M", "3M"), ("1w", "1M")],
)
def test_candles_are_never_made_of_longer_or_unfitting_ones(
    source: Path,
    target: Path,
    source_timeframe: str,
    timeframe: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write(source / "BTC_USDT-1m.json", [row(0)])

    code = convert(source, target, "--from", source_timeframe, "--timeframe", timeframe)

    assert code == ExitCode.DATA
    assert f"cannot be made of candles of {source_timeframe}" in capsys.readouterr().err
    assert not target.exists()


def test_trades_of_both_layouts_become_candles(source: Path, target: Path) -> None:
    times = [START_MS + 5_000, START_MS + 5_000, START_MS + 130_000]
    prices = [10.0, 12.0, 11.0]
    write(
        source / "BTC_USDT-trades.json",
        [[at, "1", None, "buy", price, 2.0, 0.0] for at, price in zip(times, prices, strict=True)],
    )
    write(
        source / "ETH_USDT-trades.json",
        [
            {"timestamp": at, "price": price, "amount": 2.0}
            for at, price in zip(times, prices, strict=True)
        ],
    )

    assert convert(source, target, "--to", "json", "--from", "trades", "--timeframe", "1m") == 0

    assert read(target / "BTC_USDT-1m.json") == [
        [START_MS, 10.0, 12.0, 10.0, 12.0, 4.0],
        [START_MS + 120_000, 11.0, 11.0, 11.0, 11.0, 2.0],
    ]
    assert read(target / "ETH_USDT-1m.json") == read(target / "BTC_USDT-1m.json")


def trade(second: int, name: str | None, price: float = 10.0) -> list[object]:
    return [START_MS + second * 1000, name, None, "buy", price, 2.0, 0.0]


@pytest.mark.parametrize("is_arrow", [False, True])
def test_trades_of_downloads_that_overlap_count_once(
    source: Path, target: Path, *, is_arrow: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [
        trade(1, "1"),
        trade(2, "2"),
        trade(2, "3"),
        trade(1, "1"),
        trade(2, "2"),
        trade(2, "3"),
        trade(3, "4"),
    ]
    if is_arrow:
        source.mkdir()
        names = ("timestamp", "id", "type", "side", "price", "amount", "cost")
        columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
        feather.write_feather(pa.table(columns), source / "BTC_USDT-trades.feather")
    else:
        write(source / "BTC_USDT-trades.json", rows)

    assert convert(source, target, "--to", "json", "--from", "trades", "--timeframe", "1m") == 0

    assert read(target / "BTC_USDT-1m.json") == [[START_MS, 10.0, 10.0, 10.0, 10.0, 8.0]]
    assert "3 repeated, left out" in capsys.readouterr().out
    assert run_command(["data", "check", str(source)], interrupts=Interrupts()) == 0
    assert "3 rows equal to another one, which has its id" in capsys.readouterr().out


def test_trades_of_a_file_without_ids_count_each(source: Path, target: Path) -> None:
    columns = {"timestamp": [START_MS, START_MS, START_MS + 1000], "price": [10.0, 10.0, 11.0]}
    source.mkdir()
    table = pa.table({**columns, "amount": [1.0, 1.0, 2.0]})
    feather.write_feather(table, source / "BTC_USDT-trades.feather")

    assert convert(source, target, "--to", "json", "--from", "trades", "--timeframe", "1m") == 0
    assert read(target / "BTC_USDT-1m.json") == [[START_MS, 10.0, 11.0, 10.0, 11.0, 4.0]]


@pytest.mark.parametrize(
    "rows",
    [
        [trade(1, None), trade(1, None)],
        [trade(1, ""), trade(1, "")],
        [trade(1, "1", 9.0), trade(1, "1", 11.0)],
        [trade(1, "1"), trade(2, "1")],
        [trade(1, "1"), trade(1, "2")],
    ],
)
def test_trades_that_only_look_alike_count_each(
    source: Path, target: Path, rows: list[list[object]]
) -> None:
    write(source / "BTC_USDT-trades.json", rows)

    assert convert(source, target, "--to", "json", "--from", "trades", "--timeframe", "1m") == 0

    assert read(target / "BTC_USDT-1m.json")[0][5] == 4.0


def test_no_longer_candles_are_made_of_rows_off_the_grid(
    source: Path, target: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(source / "BTC_USDT-20m.json", [row(minute) for minute in range(0, 240, 10)])

    code = convert(source, target, "--from", "20m", "--timeframe", "1h")

    assert code == ExitCode.DATA
    error = capsys.readouterr().err
    assert "12 rows of" in error
    assert "are off the grid of 20m, the first at 2025-01-01 00:10:00" in error
    assert "give the file the timeframe of its rows in its name" in error
    assert not target.exists()


def test_a_file_that_is_there_is_replaced_on_request_only(
    source: Path, target: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(source / "ADA_USDT-1m.json", [row(0)])
    write(source / "BTC_USDT-1m.json", [row(0)])
    write(target / "BTC_USDT-1m.json", [row(9)])

    assert convert(source, target, "--to", "json") != 0
    assert read(target / "BTC_USDT-1m.json") == [row(9)]
    assert not (target / "ADA_USDT-1m.json").exists()
    assert "nothing was written" in capsys.readouterr().err

    assert convert(source, target, "--to", "json", "--force") == 0
    assert read(target / "BTC_USDT-1m.json") == [row(0)]


def test_one_series_in_two_files_is_refused(
    source: Path, target: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(source / "BTC_USDT-1m.json", [row(0)])
    (made,) = convert_series(str(source), target, file_format="feather")
    made.target.rename(source / made.target.name)

    assert convert(source, target) != 0

    assert "are one series: remove the stale file" in capsys.readouterr().err


def test_further_files_of_one_series_are_counted(
    source: Path, target: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for pair in ("ADA_USDT", "BTC_USDT"):
        write(source / f"{pair}-1m.json", [row(0)])
        (source / f"{pair}-1m.json.gz").write_bytes(gzip.compress(b"[]"))

    assert convert(source, target) == ExitCode.DATA

    assert (
        "ADA_USDT-1m.json are one series, and 1 more file of this kind: remove the stale files"
    ) in capsys.readouterr().err


def test_no_candles_are_made_of_what_is_not_a_number(
    source: Path, target: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(source / "BTC_USDT-20m.json", [row(0), [*row(20)[:5], None], row(40)])

    assert convert(source, target, "--from", "20m", "--timeframe", "1h") != 0

    assert "is not a number, so no candles are made of it" in capsys.readouterr().err


def test_the_two_timeframes_go_together(
    source: Path, target: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert convert(source, target, "--from", "5m") == ExitCode.CONFIGURATION
    assert convert(source, target, "--timeframe", "5m") == ExitCode.CONFIGURATION
    assert capsys.readouterr().err.count("--timeframe and --from go together") == 2


def test_series_that_are_not_there_are_named(
    source: Path, target: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(source / "BTC_USDT-trades.json", [])

    assert convert(source, target) == ExitCode.DATA
    assert convert(source, target, "--from", "5m", "--timeframe", "1h") == ExitCode.DATA

    error = capsys.readouterr().err
    assert "there are no series but trades in" in error
    assert "there are no candles of 5m in" in error


def test_the_changes_are_printed(
    source: Path, target: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(source / "BTC_USDT-1m.json", [row(1), row(0), row(0)])

    assert convert(source, target) == 0
    head, printed, end = capsys.readouterr().out.splitlines()
    assert convert(source, target, "--json", "--force") == 0
    (values,) = json.loads(capsys.readouterr().out)

    assert head.split() == ["file", "read", "written", "changed"]
    assert printed.split(maxsplit=3) == [
        *("BTC_USDT-1m.parquet", "3", "2"),
        "1 sorted in, 1 repeated, left out",
    ]
    assert end == f"wrote 1 file to {target}"
    assert (values["moved"], values["repeated"]) == (1, 1)
    assert [series.rows for series in list_series(str(target)).series] == [2]


def test_trades_that_are_left_out_are_named(
    source: Path, target: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(source / "ADA_USDT-5m.json", [row(0)])
    write(source / "ADA_USDT-trades.json", [trade(0, "1")])

    assert convert(source, target, "--to", "feather") == 0

    assert "left out ADA_USDT-trades.json: `--from trades" in capsys.readouterr().out
    assert convert(source, target, "--from", "trades", "--timeframe", "1m") == 0
    assert "left out ADA_USDT" not in capsys.readouterr().out


@pytest.mark.parametrize("force", [(), ("--force",)])
def test_too_few_candles_for_a_longer_one_write_nothing(
    source: Path, target: Path, force: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    write(source / "BTC_USDT-20m.json", [row(20), row(40), row(60), row(80)])
    longer = ("--to", "json", "--from", "20m", "--timeframe", "1h")
    if force:
        write(target / "BTC_USDT-1h.json", [row(0)])

    assert convert(source, target, *longer, *force) == ExitCode.DATA

    assert f"no whole candle of 1h can be made of {source}" in capsys.readouterr().err
    kept = [row(0)] if force else []
    assert [read(path) for path in target.glob("*")] == ([kept] if kept else [])


@pytest.mark.parametrize("words", [[], ["--from", "1m", "--timeframe", "3m"]])
def test_a_series_is_not_stored_a_second_time_beside_another_format(
    source: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    write(source / "BTC_USDT-1m.json", [row(minute) for minute in range(6)])
    write(source / "BTC_USDT-3m.json", [row(0), row(3)])

    assert convert(source, source, "--to", "feather", *words) == ExitCode.DATA

    err = capsys.readouterr().err
    assert "m.json is the same series as BTC_USDT-" in err
    assert "name another folder, or replace it with --force; nothing was written" in err
    assert {path.suffix for path in source.iterdir()} == {".json"}


def test_the_other_format_of_a_series_is_replaced_on_request(
    source: Path, target: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(source / "BTC_USDT-1m.json", [row(0), row(1)])
    write(source / "ETH_USDT-1m.json", [row(0)])
    write(target / "BTC_USDT-1m.json", [row(0, 7.0)])
    write(target / "LTC_USDT-1m.json", [row(0)])

    assert convert(source, target, "--to", "feather", "--force") == 0

    assert "removed BTC_USDT-1m.json, the same series in another format" in capsys.readouterr().out
    assert sorted(path.name for path in target.iterdir()) == [
        "BTC_USDT-1m.feather",
        "ETH_USDT-1m.feather",
        "LTC_USDT-1m.json",
    ]


def test_a_folder_of_partitions_is_not_replaced(source: Path, target: Path) -> None:
    write(source / "BTC_USDT-1m.json", [row(0)])
    opened = np.array([START_MS])
    cells = {name: np.array([1.0]) for name in ("open", "high", "low", "close", "volume")}
    repository = ParquetDataRepository(target)
    repository.save_columns("BTC/USDT", "1m", CandleColumns(opened, cells))

    assert convert(source, target, "--force") == ExitCode.DATA

    assert [path.name for path in target.iterdir()] == ["BTC_USDT-1m"]


@pytest.mark.parametrize("rows", [[], {"price": 1}, [[START_MS, "1", "", "buy", None, 1.0, 10.0]]])
def test_one_file_that_cannot_be_converted_keeps_no_other_from_it(
    source: Path, target: Path, rows: object, capsys: pytest.CaptureFixture[str]
) -> None:
    trades = [[START_MS, "1", "", "buy", 10.0, 1.0, 10.0]]
    write(source / "AAA_USDT-trades.json", rows)
    write(source / "BTC_USDT-trades.json", trades)

    code = convert(source, target, "--to", "json", "--from", "trades", "--timeframe", "1m")

    said = capsys.readouterr()
    assert code == ExitCode.DATA
    assert str(source / "AAA_USDT-trades.json") in said.err
    assert "BTC_USDT-1m.json" in said.out
    assert [path.name for path in target.iterdir()] == ["BTC_USDT-1m.json"]


def test_an_empty_file_replaces_no_candles(
    source: Path, target: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(source / "BTC_USDT-1m.json", [])
    write(target / "BTC_USDT-1m.json", [row(0)])

    assert convert(source, target, "--to", "json", "--force") == ExitCode.DATA

    assert f"{source / 'BTC_USDT-1m.json'} has no rows" in capsys.readouterr().err
    assert read(target / "BTC_USDT-1m.json") == [row(0)]


def test_each_file_that_cannot_be_converted_is_named(source: Path, target: Path) -> None:
    for name in ("AAA", "BBB"):
        write(source / f"{name}_USDT-1m.json", [])
    write(source / "BTC_USDT-1m.json", [row(0)])

    with pytest.raises(ValidationError, match=r"AAA.* has no rows.*BBB.*; 1 file was written"):
        convert_series(str(source), target, file_format="json")


def test_an_unknown_format_is_refused(source: Path, target: Path) -> None:
    write(source / "BTC_USDT-1m.json", [row(0)])

    with pytest.raises(ValidationError, match="'csv' is no format of candles: expected json, "):
        convert_series(str(source), target, file_format="csv")

    assert not target.exists()


def test_the_origin_of_the_candles_and_their_rules_go_with_them(
    source: Path, target: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(source / "BTC_USDT-1m.json", [row(0), row(1)])
    (source / "dataset.json").write_text('{"synthetic": true, "source": "a walk"}')
    (source / "markets.json").write_text("{}")
    (source / "notes.json").write_text("{}")
    own = '{"synthetic": true, "source": "my own"}'

    assert convert(source, target, "--to", "feather") == 0
    first = capsys.readouterr().out
    (target / "dataset.json").write_text(own)
    assert convert(source, target, "--to", "feather", "--force", "--json") == 0
    again = capsys.readouterr()

    assert f"copied dataset.json, markets.json to {target}" in first
    assert dataset_notices(str(source)) == ("the candles are synthetic, not a market's: a walk",)
    assert {path.name for path in target.iterdir()} == {
        *("BTC_USDT-1m.feather", "dataset.json", "markets.json")
    }
    assert (target / "dataset.json").read_text() == own
    assert json.loads(again.out)[0]["written"] == 2
    assert "copied" not in again.err


@pytest.mark.parametrize("said", ['{"synthetic": false, "source": "binance"}', "my own"])
def test_synthetic_candles_do_not_go_among_those_of_a_market(
    source: Path, target: Path, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write(source / "BTC_USDT-1m.json", [row(0)])
    origin, own = source / "dataset.json", target / "dataset.json"
    origin.write_text('{"synthetic": true, "source": "a walk"}')
    target.mkdir()
    own.write_text(said)

    assert convert(source, target, "--to", "feather", "--force") == ExitCode.DATA
    assert f"{source} are synthetic, and {own} does not say so" in capsys.readouterr().err
    assert list(target.iterdir()) == [own]

    origin.write_text('{"synthetic": false, "source": "kraken"}')
    assert convert(source, target, "--to", "feather") == 0


def test_what_is_copied_goes_to_the_errors_beside_json_and_stays_in_one_folder(
    source: Path, target: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(source / "BTC_USDT-1m.json", [row(0), row(1)])
    (source / "leverage_tiers.json").write_text("{}")

    assert convert(source, target, "--to", "feather", "--json") == 0
    assert f"copied leverage_tiers.json to {target}" in capsys.readouterr().err
    assert convert(source, source, "--to", "feather", "--force") == 0
    assert "copied leverage_tiers" not in capsys.readouterr().out


def test_a_folder_that_another_process_writes_into_is_left_alone(
    source: Path, target: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(source / "BTC_USDT-1m.json", [row(0), row(1)])

    target.mkdir()

    with sole_writer(target):
        code = convert(source, target, "--to", "json")

    assert code == ExitCode.OWNED
    assert f"another process writes into {target} just now" in capsys.readouterr().err
    assert list(target.iterdir()) == []
    assert convert(source, target, "--to", "json") == ExitCode.DONE


def test_a_file_that_came_before_the_folder_was_ours_is_not_replaced(
    source: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(source / "BTC_USDT-1m.json", [row(0), row(1)])

    @contextmanager
    def lent_late(folder: Path) -> Iterator[None]:
        write(folder / "BTC_USDT-1m.json", [row(7)])
        with sole_writer(folder):
            yield

    monkeypatch.setattr("tradai.entrypoint.freqtrade._datasets.conversion.sole_writer", lent_late)

    assert convert(source, target, "--to", "json") == ExitCode.DATA
    assert read(target / "BTC_USDT-1m.json") == [row(7)]


def test_conversions_to_two_formats_at_once_leave_each_series_once(
    source: Path, target: Path
) -> None:
    for number in range(3):
        write(source / f"C{number}_USDT-1m.json", [row(minute) for minute in range(50_000)])
    words = ("data", "convert", str(source), str(target), "--to")
    command = [sys.executable, "-m", "tradai.entrypoint", *words]

    both = [Popen([*command, each], stdout=PIPE, stderr=STDOUT) for each in ("json.gz", "parquet")]
    for each in both:
        each.communicate()

    assert sorted(each.returncode for each in both) in ([0, 65], [0, 75])
    assert len(list(target.iterdir())) == 3


def test_writers_that_are_refused_leave_the_new_folder_to_the_one_that_writes(
    target: Path,
) -> None:
    for attempt in range(50):
        folder = target / str(attempt)
        start, refused = Barrier(8), Barrier(8)

        def write_into(
            _: int, folder: Path = folder, start: Barrier = start, refused: Barrier = refused
        ) -> object:
            start.wait()
            try:
                with sole_writer(folder):
                    refused.wait()
                    return folder.is_dir()
            except TradAIError as exc:
                refused.wait()
                return type(exc)

        with ThreadPoolExecutor(8) as pool:
            results = list(pool.map(write_into, range(8)))

        assert results.count(FolderInUseError) == 7
        assert results.count(True) == 1

"""`data list` names every series of a folder with its range and its gaps."""

import csv
import gzip
import io
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tradai.core.frames import CandleColumns, FlatDataRepository, ParquetDataRepository
from tradai.entrypoint import ExitCode, Interrupts
from tradai.entrypoint._cli import run_command
from tradai.entrypoint.freqtrade import list_series

START_MS = 1_735_689_600_000
MINUTE_MS = 60_000
CELLS = ("open", "high", "low", "close", "volume")


def rows(*minutes: int) -> list[list[float]]:
    return [[START_MS + at * MINUTE_MS, 100.0, 101.0, 99.0, 100.5, 2.0] for at in minutes]


def columns(*minutes: int) -> CandleColumns:
    table = np.array(rows(*minutes))
    cells = {name: table[:, at].copy() for at, name in enumerate(CELLS, start=1)}
    return CandleColumns(table[:, 0].astype(np.int64), cells)


def write(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    data = json.dumps(content).encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


def listing(*words: object) -> int:
    return run_command(["data", "list", *map(str, words)], interrupts=Interrupts())


def test_each_format_of_the_engine_is_read_and_gaps_are_counted(tmp_path: Path) -> None:
    write(tmp_path / "ADA_USDT-1m.json", rows(0, 1, 4, 5, 9))
    write(tmp_path / "BTC_USDT-1m.json.gz", rows(0, 1))
    FlatDataRepository(tmp_path, file_format="feather").save_columns("ETH/USDT", "1m", columns(0))
    FlatDataRepository(tmp_path).save_columns("LTC/USDT", "1m", columns(0, 1, 3))

    found = {series.pair: series for series in list_series(str(tmp_path)).series}

    assert [(each.file_format, each.rows, each.gaps, each.missing) for each in found.values()] == [
        ("json", 5, 2, 5),
        ("json.gz", 2, 0, 0),
        ("feather", 1, 0, 0),
        ("parquet", 3, 1, 1),
    ]
    last = found["ADA/USDT"].last
    assert last is not None
    assert last.isoformat() == "2025-01-01T00:09:00+00:00"


def test_futures_data_and_trades_are_named_as_such(tmp_path: Path) -> None:
    futures = tmp_path / "futures"
    for kind in ("futures", "mark", "index", "premiumIndex"):
        write(futures / f"BTC_USDT_USDT-1h-{kind}.json", rows(0, 60))
    write(futures / "BTC_USDT_USDT-8h-funding_rate.json", [[START_MS, 0.0001]])
    write(futures / "ETH_USDT_USDT-8h-funding_rate.json", rows(0))
    write(tmp_path / "BTC_USDT-trades.json", [[START_MS, "1", None, "buy", 100.0, 2.0, 200.0]])
    write(tmp_path / "BTC_USDT-1Mo.json", rows(0))

    found = [(each.pair, each.timeframe, each.kind) for each in list_series(str(tmp_path)).series]

    assert found == [
        ("BTC/USDT", None, "trades"),
        ("BTC/USDT", "1M", "spot"),
        ("BTC/USDT:USDT", "1h", "futures"),
        ("BTC/USDT:USDT", "1h", "index"),
        ("BTC/USDT:USDT", "1h", "mark"),
        ("BTC/USDT:USDT", "1h", "premiumIndex"),
        ("BTC/USDT:USDT", "8h", "funding_rate"),
        ("ETH/USDT:USDT", "8h", "funding_rate"),
    ]
    assert all(each.problem is None and each.rows for each in list_series(str(tmp_path)).series)


@pytest.mark.parametrize(
    ("hours", "gaps", "missing"),
    [([0, 8, 16], 0, 0), ([0, 4, 8], 0, 0), ([0, 8, 32, 40, 56], 2, 3)],
)
def test_funding_rates_have_gaps_where_they_are_more_than_eight_hours_apart(
    tmp_path: Path, hours: list[int], gaps: int, missing: int
) -> None:
    # In the file of an hour, as the engine names it, and a little late.
    rates = [[START_MS + hour * 3_600_000 + hour % 5, 0.0001] for hour in hours]
    write(tmp_path / "futures" / "BTC_USDT_USDT-1h-funding_rate.json", rates)

    (series,) = list_series(str(tmp_path)).series

    assert (series.rows, series.gaps, series.missing) == (len(hours), gaps, missing)


def test_folders_of_partitions_are_listed_too(tmp_path: Path) -> None:
    ParquetDataRepository(tmp_path).save_columns("BTC/USDT", "1m", columns(0, 1, 3))

    (series,) = list_series(f"parquet:{tmp_path}").series

    assert (series.file_format, series.rows, series.missing) == ("partitions", 3, 1)
    assert series.path.is_dir()


def test_a_file_that_cannot_be_read_is_in_the_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "BTC_USDT-1m.json", rows(0))
    (tmp_path / "ETH_USDT-1m.feather").write_bytes(b"ARROW1")

    assert listing(tmp_path) == 0

    head, btc, eth = capsys.readouterr().out.splitlines()
    assert head.split() == ["pair", "timeframe", "kind", "format", "rows", "first", "last", "gaps"]
    assert btc.split()[:5] == ["BTC/USDT", "1m", "spot", "json", "1"]
    assert eth.endswith(f"cannot be read: `data check {tmp_path}`")


def test_json_and_csv_have_the_same_facts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "BTC_USDT-1m.json", rows(0, 2))

    listing(tmp_path, "--json")
    (values,) = json.loads(capsys.readouterr().out)
    listing(tmp_path, "--csv")
    (row,) = csv.DictReader(io.StringIO(capsys.readouterr().out))

    assert values["first"] == "2025-01-01T00:00:00+00:00"
    assert (values["rows"], values["gaps"], values["missing"]) == (2, 1, 1)
    assert row == {name: "" if value is None else str(value) for name, value in values.items()}


def test_a_series_that_is_stored_twice_is_marked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "BTC_USDT-1m.json", rows(1, 0))
    write(tmp_path / "ETH_USDT-1m.json", rows(0))
    write(tmp_path / "LTC_USDT-1m.json", rows(0))
    flat = FlatDataRepository(tmp_path)
    flat.save_columns("BTC/USDT", "1m", columns(0, 1))
    flat.save_columns("ETH/USDT", "1m", columns(0, 1))

    found = [(each.pair, each.file_format, each.twin) for each in list_series(str(tmp_path)).series]
    listing(tmp_path)

    assert found == [
        ("BTC/USDT", "json", "same"),
        ("BTC/USDT", "parquet", "same"),
        ("ETH/USDT", "json", "other"),
        ("ETH/USDT", "parquet", "other"),
        ("LTC/USDT", "json", None),
    ]
    out = capsys.readouterr().out
    assert "BTC/USDT 1m is stored twice, as json and parquet, with the same rows" in out
    assert "ETH/USDT 1m is stored twice, as json and parquet, with other rows" in out


def table_of(folder: Path, capsys: pytest.CaptureFixture[str]) -> tuple[list[str], str]:
    """Return the rows of the table, and the notes below it."""
    assert listing(folder) == 0
    lines = capsys.readouterr().out.splitlines()
    rows = [line for line in lines[1:] if not line.startswith("note: ")]
    return rows, "\n".join(lines[1 + len(rows) :])


def test_a_series_in_two_formats_has_one_row_with_the_facts_of_both(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "BTC_USDT-1m.json", rows(0, 1))
    write(tmp_path / "ETH_USDT-1m.json", rows(0, 1))
    flat = FlatDataRepository(tmp_path)
    flat.save_columns("BTC/USDT", "1m", columns(0, 1))
    flat.save_columns("ETH/USDT", "1m", columns(0, 1, 3))

    (btc, eth), _ = table_of(tmp_path, capsys)

    assert btc.split()[3:7] == ["json", "/", "parquet", "2"]
    assert eth.split()[3:9] == ["json", "/", "parquet", "2", "/", "3"]
    assert eth.endswith("2025-01-01 00:01 / 2025-01-01 00:03  0 / 1 (1 missing)")


def test_a_series_in_two_files_of_one_format_has_one_row_and_both_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [tmp_path / "BTC_USDT-1M.json", tmp_path / "BTC_USDT-1Mo.json"]
    for file in (*files, tmp_path / "futures/BTC_USDT-1M.json"):
        write(file, rows(0))

    (row,), notes = table_of(tmp_path, capsys)

    assert row.split()[:5] == ["BTC/USDT", "1M", "spot", "json", "1"]
    assert f"BTC/USDT 1M is stored 3 times, as {files[0]} and {files[1]} and {tmp_path}" in notes


def test_a_series_that_is_stored_twice_and_read_once_is_said_to_be_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "BTC_USDT-1m.json", rows(0))
    (tmp_path / "BTC_USDT-1m.feather").write_bytes(b"ARROW1")

    (row,), notes = table_of(tmp_path, capsys)

    assert row.endswith(f"cannot be read: `data check {tmp_path}` / 0")
    assert "stored twice, as feather and json, and not all of them can be read" in notes


@pytest.mark.parametrize("command", ["list", "check"])
def test_what_is_no_series_is_named_beside_the_series(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    write(tmp_path / "BTC_USDT-1m.json", rows(0))
    write(tmp_path / "futures/BTC_USDT_USDT-1h-mark.json", rows(0))
    ParquetDataRepository(tmp_path).save_columns("LTC/USDT", "1m", columns(0))
    for name in ("dataset.json", "markets.json", "leverage_tiers.json", ".lock"):
        (tmp_path / name).touch()
    run_command(["data", command, str(tmp_path)], interrupts=Interrupts())
    assert "not read:" not in capsys.readouterr().out
    for name in ("BTCUSDT-1m.csv", "ETH-USDT-1m.feather", "b.csv", "c.csv", "futures/x.json"):
        (tmp_path / name).touch()
    (tmp_path / "okx").mkdir()

    run_command(["data", command, str(tmp_path)], interrupts=Interrupts())

    names = "BTCUSDT-1m.csv, ETH-USDT-1m.feather, b.csv, c.csv, okx/ and 1 more"
    sentence = f"note: 6 entries are not read: {names}; known are files such as BTC_USDT-5m.feather"
    assert sentence in capsys.readouterr().out
    run_command(["data", command, str(tmp_path), "--json"], interrupts=Interrupts())
    said = capsys.readouterr()
    assert sentence in said.err
    assert json.loads(said.out)
    (tmp_path / "futures/x.json").unlink()
    run_command(["data", command, str(tmp_path)], interrupts=Interrupts())
    assert "BTCUSDT-1m.csv, ETH-USDT-1m.feather, b.csv, c.csv, okx/; known" in (
        capsys.readouterr().out
    )


@pytest.mark.parametrize("command", ["list", "check"])
def test_a_folder_is_listed_once(
    tmp_path: Path,
    command: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    FlatDataRepository(tmp_path).save_columns("LTC/USDT", "1m", columns(0, 1))
    (tmp_path / "notes").touch()
    original, listed = Path.iterdir, list[Path]()

    def iterdir(path: Path) -> Iterator[Path]:
        listed.append(path)
        return original(path)

    # A second list may be one of other files; no file shows it.
    monkeypatch.setattr(Path, "iterdir", iterdir)
    run_command(["data", command, str(tmp_path)], interrupts=Interrupts())

    assert listed.count(tmp_path) == 1
    assert "note: 1 entry is not read: notes" in capsys.readouterr().out


def test_an_unknown_layout_says_what_was_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in "abcdefg":
        (tmp_path / f"{name}.csv").touch()

    assert listing(tmp_path) == ExitCode.DATA

    error = capsys.readouterr().err
    assert "it has a.csv, b.csv, c.csv, d.csv, e.csv and 2 more" in error
    assert "known are files such as BTC_USDT-5m.feather" in error


@pytest.mark.parametrize("place", ["binance", "data/binance"])
def test_candles_some_folders_below_are_pointed_at(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], place: str
) -> None:
    write(tmp_path / place / "BTC_USDT-1m.json", rows(0))

    assert listing(tmp_path) == ExitCode.DATA

    assert f"{tmp_path}/{place} has some: name that folder" in capsys.readouterr().err


def test_a_folder_that_is_not_here_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert listing(tmp_path / "none") == ExitCode.DATA
    assert listing("s3://lake/candles") == ExitCode.DATA

    assert capsys.readouterr().err.count("bring one with `data pull`") == 2


def test_a_file_in_the_place_of_a_folder_is_said_to_be_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "BTC_USDT-1m.json", rows(0))

    assert listing(tmp_path / "BTC_USDT-1m.json") == ExitCode.DATA

    assert f"is a file, not a folder of candles: name the folder {tmp_path}" in (
        capsys.readouterr().err
    )


@pytest.mark.parametrize("factor", [0.001, 1_000, 1_000_000])
def test_a_file_in_other_units_of_time_is_named_beside_the_others(
    tmp_path: Path, factor: float, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "BTC_USDT-1m.json", rows(0))
    write(tmp_path / "ETH_USDT-1m.json", [[int(START_MS * factor), *rows(0)[0][1:]]])

    assert listing(tmp_path) == 0
    assert run_command(["data", "check", str(tmp_path)], interrupts=Interrupts()) == ExitCode.DATA

    said = capsys.readouterr()
    assert " in 2 series: " in said.err
    assert "milliseconds since 1970" in said.out
    btc, eth = list_series(str(tmp_path)).series
    assert (btc.rows, btc.problem) == (1, None)
    assert eth.problem
    assert eth.problem.startswith(f"{tmp_path}/ETH_USDT-1m.json")


def test_deeply_nested_json_is_named_as_damaged(tmp_path: Path) -> None:
    (tmp_path / "BTC_USDT-1m.json").write_text("[" * 1_000_000)

    (series,) = list_series(str(tmp_path)).series

    assert series.problem
    assert "it is damaged or half-written" in series.problem


@pytest.mark.parametrize("pair", ["币安人生/USDT", "1000SATS/USDT", "kPEPE/USDC:USDC"])
def test_files_of_every_pair_that_an_exchange_may_list_are_found(tmp_path: Path, pair: str) -> None:
    name = pair.replace("/", "_").replace(":", "_")
    write(tmp_path / f"{name}-1m.json", rows(0))

    assert [each.pair for each in list_series(str(tmp_path)).series] == [pair]

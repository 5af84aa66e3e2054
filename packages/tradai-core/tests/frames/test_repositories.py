import errno
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import pytest

from tradai.core import Clock, DataRepository, Timeframe
from tradai.core.exceptions import StorageError, ValidationError
from tradai.core.frames import (
    FlatDataRepository,
    Gap,
    InMemoryDataRepository,
    ParquetDataRepository,
    closed,
    gaps,
)
from tradai.core.testing import DataRepositoryContract, FixedClock

START = datetime(2025, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
Format = Literal["parquet", "feather"]
FORMATS: tuple[Format, ...] = ("parquet", "feather")
REAL = Path(
    os.environ.get("TRADAI_TEST_CANDLES")
    or Path(__file__).parents[4] / ".." / "shared" / "data" / "binance-5m"
)


class TestInMemoryDataRepository(DataRepositoryContract):
    @pytest.fixture
    def repository(self) -> DataRepository:
        return InMemoryDataRepository()


class TestParquetDataRepository(DataRepositoryContract):
    @pytest.fixture
    def repository(self, tmp_path: Path) -> DataRepository:
        return ParquetDataRepository(tmp_path / "data")


class TestFlatDataRepository(DataRepositoryContract):
    @pytest.fixture
    def repository(self, tmp_path: Path) -> DataRepository:
        return FlatDataRepository(tmp_path / "data")


class TestFlatFeatherDataRepository(DataRepositoryContract):
    @pytest.fixture
    def repository(self, tmp_path: Path) -> DataRepository:
        return FlatDataRepository(tmp_path / "data", file_format="feather")


@pytest.fixture
def real() -> Path:
    if not REAL.is_dir():
        pytest.skip(f"no real candles in {REAL}; name their folder in TRADAI_TEST_CANDLES")
    return REAL


def candles(*minutes: int) -> pd.DataFrame:
    """Return candles that open at these minutes of the year 2025."""
    opened = pd.to_datetime([START + minute * MINUTE for minute in minutes], utc=True)
    columns = ["open", "high", "low", "close", "volume"]
    return pd.DataFrame(dict.fromkeys(columns, 1.5), index=opened.rename("date"))


@pytest.mark.parametrize("file_format", FORMATS)
def test_files_are_named_like_freqtrade_names_them(tmp_path: Path, file_format: Format) -> None:
    repository = FlatDataRepository(tmp_path, file_format=file_format)

    repository.save_ohlcv("BTC/USDT", "5m", candles(0))
    repository.save_ohlcv("BTC/USDT", "1M", candles(0))

    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [f"BTC_USDT-1Mo.{file_format}", f"BTC_USDT-5m.{file_format}"]


def test_a_file_of_either_format_is_read(tmp_path: Path) -> None:
    FlatDataRepository(tmp_path, file_format="feather").save_ohlcv("A/B", "5m", candles(0))
    FlatDataRepository(tmp_path, file_format="parquet").save_ohlcv("C/D", "5m", candles(5))
    repository = FlatDataRepository(tmp_path)

    assert repository.series() == [("A/B", Timeframe("5m")), ("C/D", Timeframe("5m"))]
    assert len(repository.get_ohlcv("A/B", "5m")) == len(repository.get_ohlcv("C/D", "5m")) == 1


def test_saving_in_one_format_removes_the_other(tmp_path: Path) -> None:
    FlatDataRepository(tmp_path, file_format="feather").save_ohlcv("A/B", "5m", candles(0))

    FlatDataRepository(tmp_path).save_ohlcv("A/B", "5m", candles(0, 5))

    assert [path.name for path in tmp_path.iterdir()] == ["A_B-5m.parquet"]


def test_a_series_in_two_files_is_refused_by_name(tmp_path: Path) -> None:
    for file_format in FORMATS:
        repository = FlatDataRepository(tmp_path / file_format, file_format=file_format)
        repository.save_ohlcv("A/B", "5m", candles(0))
        (tmp_path / file_format / f"A_B-5m.{file_format}").rename(
            tmp_path / f"A_B-5m.{file_format}"
        )

    with pytest.raises(ValidationError, match=r"A_B-5m\.parquet and .*A_B-5m\.feather; remove"):
        FlatDataRepository(tmp_path).get_ohlcv("A/B", "5m")


def test_other_files_are_passed_over(tmp_path: Path) -> None:
    for name in ("A_B-trades.feather", "markets.json", "A_B_C-5m.feather", "A_B-5m.feather.old"):
        (tmp_path / name).write_bytes(b"other")

    assert FlatDataRepository(tmp_path).series() == []


@pytest.mark.parametrize("file_format", FORMATS)
@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_a_file_cut_short_is_refused_by_name(
    tmp_path: Path, file_format: Format, share: float
) -> None:
    name = f"A_B-5m.{file_format}"
    repository = FlatDataRepository(tmp_path, file_format=file_format)
    repository.save_ohlcv("A/B", "5m", candles(*range(0, 500, 5)))
    data = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(data[: int(len(data) * share)])

    for read in (repository.get_ohlcv, repository.coverage):
        with pytest.raises(ValidationError, match=name):
            read("A/B", "5m")


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_file_with_flipped_bits_is_read_or_refused_by_name(
    tmp_path: Path, file_format: Format
) -> None:
    repository = FlatDataRepository(tmp_path, file_format=file_format)
    repository.save_ohlcv("A/B", "5m", candles(*range(0, 50, 5)))
    path = tmp_path / f"A_B-5m.{file_format}"
    data = path.read_bytes()

    for place in range(0, len(data), 61):
        flipped = bytearray(data)
        flipped[place] ^= 0x10
        path.write_bytes(flipped)
        problem = _problem(repository)
        assert problem is None or str(path) in problem


def test_a_flipped_bit_in_a_parquet_price_is_never_believed(tmp_path: Path) -> None:
    repository = FlatDataRepository(tmp_path)
    repository.save_ohlcv("A/B", "5m", candles(*range(0, 50, 5)))
    wanted = repository.get_ohlcv("A/B", "5m")
    path = tmp_path / "A_B-5m.parquet"
    data = path.read_bytes()
    refused = 0

    for place in range(len(b"PAR1"), len(data) // 2, 17):
        flipped = bytearray(data)
        flipped[place] ^= 1
        path.write_bytes(flipped)
        try:
            assert repository.get_ohlcv("A/B", "5m").equals(wanted)
        except ValidationError:
            refused += 1
    assert refused


def _problem(repository: DataRepository) -> str | None:
    try:
        repository.get_ohlcv("A/B", "5m")
    except ValidationError as exc:
        return str(exc)
    return None


# Each with the words of the error.
NO_CANDLES: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "close, volume is missing among the columns date, open, high, low": (
        lambda table: table.drop(columns=["close", "volume"])
    ),
    "date is missing among the columns open, high, low, close, volume": (
        lambda table: table.drop(columns="date")
    ),
    "date, open, high, low, close, volume is missing among the columns DATE": (
        lambda table: table.rename(columns=str.upper)
    ),
    "close is of text, not of numbers": lambda table: table.assign(close="1.5"),
    "close is of list<.*>, not of numbers": lambda table: table.assign(
        close=pd.Series([[1.5], [2.5]])
    ),
    "close is of bool, not of numbers": lambda table: table.assign(close=True),
    "the dates are not in UTC": lambda table: table.assign(date=1.0),
    "the dates are not in UTC;": (
        lambda table: table.assign(date=table["date"].dt.tz_localize(None))
    ),
    "the dates do not rise strictly": lambda table: table.iloc[::-1].reset_index(drop=True),
    "a value is not finite": lambda table: table.assign(close=float("nan")),
    "row 1 is of 1925-01-26T00:00:00, outside the years 1970 to 2199": (
        lambda table: table.assign(date=table["date"] - timedelta(days=100 * 365))
    ),
    "row 2 is of 2200-01-01T00:00:00, outside the years 1970 to 2199": (
        lambda table: table.assign(
            date=pd.to_datetime([START, datetime(2200, 1, 1, tzinfo=UTC)]).as_unit("ms")
        )
    ),
}


@pytest.mark.parametrize("reason", NO_CANDLES)
@pytest.mark.parametrize("name", ["A_B-5m.feather", "A_B-5m.parquet"])
def test_a_file_of_something_else_is_refused_by_name(
    tmp_path: Path, name: str, reason: str
) -> None:
    table = NO_CANDLES[reason](candles(0, 5).reset_index())
    write = table.to_feather if name.endswith("feather") else table.to_parquet
    write(tmp_path / name)

    with pytest.raises(ValidationError, match=f"{name}.*{reason}"):
        FlatDataRepository(tmp_path).get_ohlcv("A/B", "5m")


@pytest.mark.parametrize("target", ["A_B-5m.feather", "gone/A_B-5m.feather"])
def test_a_link_to_nothing_or_to_itself_is_named(tmp_path: Path, target: str) -> None:
    (tmp_path / "A_B-5m.feather").symlink_to(target)
    repository = FlatDataRepository(tmp_path)

    for read in (repository.get_ohlcv, repository.coverage):
        with pytest.raises(ValidationError, match=r"A_B-5m\.feather: it is a link to nothing"):
            read("A/B", "5m")


def test_a_folder_that_does_not_exist_yet_has_no_series(tmp_path: Path) -> None:
    assert FlatDataRepository(tmp_path / "absent").series() == []


def test_columns_beyond_candles_and_other_number_types_are_read(tmp_path: Path) -> None:
    table = candles(0, 5).astype({"volume": "int64", "open": "float32"}).reset_index()
    table.assign(trades=7).to_feather(tmp_path / "A_B-5m.feather")

    frame = FlatDataRepository(tmp_path).get_ohlcv("A/B", "5m")

    assert set(map(str, frame.dtypes)) == {"float64"}
    assert "trades" not in frame


def test_a_file_without_candles_covers_nothing(tmp_path: Path) -> None:
    candles().reset_index().to_feather(tmp_path / "A_B-5m.feather")
    repository = FlatDataRepository(tmp_path)

    assert repository.coverage("A/B", "5m") is None
    assert repository.get_ohlcv("A/B", "5m").empty


def test_a_full_disk_keeps_the_old_candles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = FlatDataRepository(tmp_path)
    repository.save_ohlcv("A/B", "5m", candles(0))

    def refuse(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(StorageError, match="the disk is full"):
        repository.save_ohlcv("A/B", "5m", candles(0, 5))

    assert repository.coverage("A/B", "5m") == (START, START, 1)


def test_a_format_that_is_neither_is_refused(tmp_path: Path) -> None:
    other: Any = "csv"

    with pytest.raises(ValidationError, match="expected parquet or feather"):
        FlatDataRepository(tmp_path, file_format=other)


def test_futures_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="expected a spot pair"):
        FlatDataRepository(tmp_path).get_ohlcv("BTC/USDT:USDT", "5m")


def test_candles_without_a_gap_have_none() -> None:
    assert gaps(candles(0, 5, 10), "5m") == gaps(candles(0), "5m") == gaps(candles(), "5m") == []


def test_gaps_are_half_open_and_counted() -> None:
    found = gaps(candles(0, 5, 20, 25, 35), "5m")

    assert found == [
        Gap(start=START + 10 * MINUTE, end=START + 20 * MINUTE, missing=2),
        Gap(start=START + 30 * MINUTE, end=START + 35 * MINUTE, missing=1),
    ]


def test_candles_off_the_grid_count_what_fits_between_them() -> None:
    (gap,) = gaps(candles(0, 12), "5m")

    assert gap == Gap(start=START + 5 * MINUTE, end=START + 12 * MINUTE, missing=2)


def test_months_are_counted_by_the_calendar() -> None:
    opened = [datetime(year, month, 1, tzinfo=UTC) for year, month in ((2024, 1), (2024, 2))]
    opened += [datetime(2024, 5, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC)]
    frame = candles(0, 1, 2, 3).set_axis(pd.DatetimeIndex(opened, name="date"))

    found = gaps(frame, "1M")

    assert found == [
        Gap(start=datetime(2024, 3, 1, tzinfo=UTC), end=opened[2], missing=2),
        Gap(start=datetime(2024, 6, 1, tzinfo=UTC), end=opened[3], missing=7),
    ]
    assert [gap.missing for gap in gaps(frame.iloc[2:], "3M")] == [2]


def test_months_off_the_grid_count_what_fits_between_them() -> None:
    opened = [datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 4, 1, 1, tzinfo=UTC)]

    (gap,) = gaps(candles(0, 1).set_axis(pd.DatetimeIndex(opened, name="date")), "1M")

    assert gap.missing == 3


@pytest.mark.parametrize(
    ("frame", "problem"),
    [
        (candles(0, 5, 15).iloc[::-1], "do not rise"),
        (candles(0, 5, 5), "do not rise"),
        (candles(0, 5, 15).tz_localize(None), "have no time zone"),
        (candles(0, 5, 15).reset_index(), "holds no dates"),
    ],
)
def test_dates_that_do_not_rise_in_utc_are_refused_by_gaps_and_closed(
    frame: pd.DataFrame, problem: str
) -> None:
    with pytest.raises(ValidationError, match=problem):
        gaps(frame, "5m")
    with pytest.raises(ValidationError, match=problem):
        closed(frame, "5m", by=START + 10 * MINUTE)


@pytest.mark.parametrize(
    "make",
    [
        lambda _folder, clock: InMemoryDataRepository(clock=clock),
        lambda folder, clock: ParquetDataRepository(folder, clock=clock),
        lambda folder, clock: FlatDataRepository(folder, clock=clock),
    ],
    ids=["memory", "partitions", "flat"],
)
def test_a_candle_that_is_open_by_the_clock_is_not_returned(
    tmp_path: Path, make: Callable[[Path, Clock], DataRepository]
) -> None:
    clock = FixedClock(START + timedelta(days=1))
    repository = make(tmp_path, clock)
    repository.save_ohlcv("BTC/USDT", "5m", candles(0, 5, 10))

    # As if a writer whose clock is ahead had kept the last one.
    clock.advance(14 * MINUTE - timedelta(days=1))

    for by in (None, START + timedelta(days=9)):
        known = repository.get_ohlcv("BTC/USDT", "5m", closed_by=by)
        assert list(known.index) == [START, START + 5 * MINUTE]
    clock.advance(MINUTE)
    assert len(repository.get_ohlcv("BTC/USDT", "5m")) == 3


@pytest.mark.parametrize("at", [pd.NaT, START.replace(tzinfo=None), "2025-01-01", 1_735_689_600])
def test_a_bound_that_is_not_an_aware_instant_is_refused(at: datetime) -> None:
    repository = InMemoryDataRepository()
    repository.save_ohlcv("BTC/USDT", "5m", candles(0))

    for bound in ("start", "end", "closed_by"):
        with pytest.raises(ValidationError, match="aware instant"):
            repository.get_ohlcv("BTC/USDT", "5m", **{bound: at})


def test_real_candles_are_read(real: Path) -> None:
    repository = FlatDataRepository(real)

    assert [pair for pair, _ in repository.series()] == [
        "ADA/BTC",
        "ETC/BTC",
        "ETH/BTC",
        "TRX/BTC",
        "XLM/BTC",
    ]
    for pair, timeframe in repository.series():
        frame = repository.get_ohlcv(pair, timeframe)
        whole = (frame.index[-1] - frame.index[0]) // pd.Timedelta(minutes=5) + 1
        assert whole == len(frame) + sum(gap.missing for gap in gaps(frame, timeframe))


@pytest.mark.parametrize("file_format", FORMATS)
def test_real_candles_survive_being_saved(real: Path, tmp_path: Path, file_format: Format) -> None:
    frame = FlatDataRepository(real).get_ohlcv("ADA/BTC", "5m")
    repository = FlatDataRepository(tmp_path, file_format=file_format)

    repository.save_ohlcv("ADA/BTC", "5m", frame)

    pd.testing.assert_frame_equal(repository.get_ohlcv("ADA/BTC", "5m"), frame)

import copy
import itertools
import logging
import pickle
import traceback
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import arcticdb

# The subject is a repository of frames.
import pandas as pd  # noqa: TID253
import pytest

from tradai.core import DataRepository, backend_for
from tradai.core.arcticdb import ArcticDBDataRepository
from tradai.core.exceptions import (
    ConfigurationError,
    ConflictError,
    NotFoundError,
    StorageError,
    TradAIError,
    ValidationError,
)
from tradai.core.testing import DataRepositoryContract

COLUMNS = ["open", "high", "low", "close", "volume"]
START = datetime(2025, 1, 1, tzinfo=UTC)
ACCESS, SECRET = "FAKEACCESSKEYOFNOBODY", "fake/secret+of=nobody"
BUCKETS = itertools.count()
PAIR = "BTC/USDT"

# ArcticDB itself calls a part of pandas 2 that is deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:Passing a BlockManager:DeprecationWarning")


def candles(*numbers: int, value: float = 1.0) -> pd.DataFrame:
    """Return these five-minute candles of the year 2025."""
    opened = [START + number * timedelta(minutes=5) for number in numbers]
    index = pd.DatetimeIndex(opened, name="date").as_unit("ms")
    return pd.DataFrame(dict.fromkeys(COLUMNS, value), index=index)


@pytest.fixture
def lmdb(tmp_path: Path) -> str:
    return f"lmdb://{tmp_path}/lmdb?map_size=64MB"


@pytest.fixture
def s3(s3_port: int, make_bucket: Callable[[str], None]) -> str:
    bucket = f"candles-{next(BUCKETS)}"
    make_bucket(bucket)
    return (
        f"s3://127.0.0.1:{bucket}?port={s3_port}&region=us-east-1&access={ACCESS}&secret={SECRET}"
    )


class TestOnLmdb(DataRepositoryContract):
    @pytest.fixture
    def repository(self, lmdb: str) -> DataRepository:
        return ArcticDBDataRepository(lmdb)


class TestOnS3(DataRepositoryContract):
    @pytest.fixture
    def repository(self, s3: str) -> DataRepository:
        return ArcticDBDataRepository(s3)


def test_a_new_repository_reads_the_candles_of_an_earlier_one(s3: str) -> None:
    ArcticDBDataRepository(s3).save_ohlcv(PAIR, "5m", candles(0, 1))
    ArcticDBDataRepository(s3).upsert_ohlcv(PAIR, "5m", candles(1, 2, value=2.0))

    assert ArcticDBDataRepository(s3).get_ohlcv(PAIR, "5m")["close"].tolist() == [1.0, 2.0, 2.0]


def test_the_scheme_selects_the_backend(lmdb: str) -> None:
    backend = backend_for("tradai.data", f"arctic:{lmdb}")

    assert isinstance(backend, ArcticDBDataRepository)
    assert backend.series() == []


def test_a_library_has_series_of_its_own(s3: str) -> None:
    ArcticDBDataRepository(s3).save_ohlcv(PAIR, "5m", candles(0))

    assert ArcticDBDataRepository(s3, library="other").series() == []


def test_symbols_that_are_not_series_are_ignored(lmdb: str) -> None:
    library = arcticdb.Arctic(lmdb).get_library("ohlcv", create_if_missing=True)
    library.write("notes", candles(0))
    del library

    assert ArcticDBDataRepository(lmdb).series() == []


def test_a_symbol_without_candles_is_refused(s3: str) -> None:
    library = arcticdb.Arctic(s3).get_library("ohlcv", create_if_missing=True)
    naive = candles(0).tz_localize(None)
    naive.index = pd.DatetimeIndex(naive.index).as_unit("ns")
    library.write("BTC_USDT-5m", naive)

    with pytest.raises(TradAIError, match=r"BTC_USDT-5m in s3://127\.0\.0\.1:.*not in UTC"):
        ArcticDBDataRepository(s3).get_ohlcv(PAIR, "5m")


@pytest.mark.parametrize("year", [1969, 2200])
def test_a_candle_that_another_program_wrote_outside_the_years_is_named(
    lmdb: str, year: int
) -> None:
    library = arcticdb.Arctic(lmdb).get_library("ohlcv", create_if_missing=True)
    strange = candles(0)
    strange.index = pd.DatetimeIndex([START.replace(year=year)], name="date").as_unit("ns")
    library.write("BTC_USDT-5m", strange)
    del library

    named = f"BTC_USDT-5m in lmdb:.*row 1 is of {year}-01-01T00:00:00, outside the years 1970 to"
    with pytest.raises(ValidationError, match=named):
        ArcticDBDataRepository(lmdb).get_ohlcv(PAIR, "5m")


def test_an_upsert_without_changes_writes_no_version(lmdb: str) -> None:
    repository = ArcticDBDataRepository(lmdb)
    for _ in range(3):
        repository.upsert_ohlcv(PAIR, "5m", candles(0, 1))
    del repository

    versions = arcticdb.Arctic(lmdb)["ohlcv"].list_versions("BTC_USDT-5m")

    assert len(versions) == 1


def test_an_append_after_another_writer_is_a_conflict(
    lmdb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = ArcticDBDataRepository(lmdb)
    repository.save_ohlcv(PAIR, "5m", candles(0))
    stale = repository.coverage(PAIR, "5m")
    repository.upsert_ohlcv(PAIR, "5m", candles(1, 2, value=2.0))
    # Another process would have read this coverage a moment earlier.
    monkeypatch.setattr(ArcticDBDataRepository, "coverage", lambda *_: stale)

    with pytest.raises(ConflictError, match="another writer was first"):
        repository.upsert_ohlcv(PAIR, "5m", candles(1, value=3.0))

    assert repository.get_ohlcv(PAIR, "5m")["close"].tolist() == [1.0, 2.0, 2.0]


def test_a_full_map_is_an_error_that_keeps_the_old_candles(tmp_path: Path) -> None:
    repository = ArcticDBDataRepository(f"lmdb://{tmp_path}/small?map_size=1MB")
    repository.save_ohlcv(PAIR, "5m", candles(0))
    many = candles(*range(100_000))
    many["volume"] = [number / 7 for number in range(100_000)]

    with pytest.raises(StorageError, match="raise map_size in its URI"):
        repository.save_ohlcv(PAIR, "5m", many)

    assert len(repository.get_ohlcv(PAIR, "5m")) == 1


def test_a_folder_that_cannot_be_created_is_refused() -> None:
    with pytest.raises(StorageError, match="cannot open candles in lmdb:///proc/no/such"):
        ArcticDBDataRepository("lmdb:///proc/no/such").series()


def test_keys_may_be_references(s3: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FAKE_ACCESS", ACCESS)
    file = tmp_path / "secret"
    file.touch(mode=0o600)
    file.write_text(SECRET)
    uri = s3.replace(ACCESS, "env:FAKE_ACCESS").replace(SECRET, f"file:{file}")
    repository = ArcticDBDataRepository(uri)

    repository.save_ohlcv(PAIR, "5m", candles(0))

    assert repository.series() == [(PAIR, "5m")]
    assert "access=env:FAKE_ACCESS" in repr(repository)


def test_a_reference_to_a_missing_secret_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    uri = "s3://127.0.0.1:candles?access=env:NO_SUCH_KEY&secret=env:NO_SUCH_KEY"

    with pytest.raises(NotFoundError, match="env:NO_SUCH_KEY"):
        ArcticDBDataRepository(uri).series()


def test_no_error_or_log_shows_the_keys(s3_port: int, caplog: pytest.LogCaptureFixture) -> None:
    """The bucket is missing, so every call fails with an error of the vendor."""
    uri = f"s3://127.0.0.1:absent?port={s3_port}&access={ACCESS}&secret={SECRET}"
    repository = ArcticDBDataRepository(uri)

    with pytest.raises(StorageError) as caught:
        repository.series()
    error = caught.value
    logging.getLogger(__name__).error("it failed", exc_info=error)
    with pytest.raises(TypeError) as unpicklable:
        pickle.dumps(repository)

    texts = [
        *(str(thing) for thing in (repository, error, unpicklable.value)),
        *(repr(thing) for thing in (repository, error, error.args, vars(error))),
        f"{repository} {error}",
        "".join(traceback.format_exception(error)),
        repr(getattr(error, "__notes__", [])),
        repr(pickle.dumps(error)),
        str(copy.copy(error)),
        caplog.text,
    ]
    assert error.__cause__ is None
    assert error.__context__ is None
    assert not [text for text in texts if ACCESS in text or SECRET in text]
    assert "access=***&secret=***" in str(error)


def test_the_vendor_does_not_print_the_keys(
    s3_port: int, capfd: pytest.CaptureFixture[str]
) -> None:
    uri = f"s3://127.0.0.1:absent?port={s3_port}&access={ACCESS}&secret={SECRET}"

    with pytest.raises(StorageError):
        ArcticDBDataRepository(uri).series()

    printed = "".join(capfd.readouterr())
    assert ACCESS not in printed
    assert SECRET not in printed


@pytest.mark.deep
def test_an_unreachable_server_is_a_retryable_error(capfd: pytest.CaptureFixture[str]) -> None:
    uri = f"s3://127.0.0.1:candles?port=1&access={ACCESS}&secret={SECRET}"

    with pytest.raises(StorageError, match="check that it is reachable") as caught:
        ArcticDBDataRepository(uri).series()

    assert caught.value.retryable
    assert ACCESS not in "".join(capfd.readouterr())


@pytest.mark.parametrize("option", ["port=a", "map_size=a"])
def test_an_option_that_arcticdb_refuses_raises_a_tradai_error(option: str, tmp_path: Path) -> None:
    place = f"lmdb://{tmp_path}" if option.startswith("map") else "s3://127.0.0.1:b"
    rest = "" if option.startswith("map") else "&aws_auth=true"

    with pytest.raises((StorageError, ConfigurationError)):
        ArcticDBDataRepository(f"{place}?{option}{rest}").series()

import errno
import json
import os
import shutil
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

# The subject is a repository of frames.
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given, strategies as st

from tradai.core import DataRepository, FileKind, Timeframe, read_regular_file
from tradai.core.exceptions import StorageError, ValidationError
from tradai.core.frames import FlatDataRepository, InMemoryDataRepository, ParquetDataRepository

COLUMNS = ["open", "high", "low", "close", "volume"]
PAIR = "BTC/USDT"


def candles(*opened: datetime, value: float = 1.0) -> pd.DataFrame:
    """Return candles that open at these instants."""
    index = pd.DatetimeIndex(opened, tz="UTC", name="date").as_unit("ms")
    return pd.DataFrame(dict.fromkeys(COLUMNS, value), index=index)


def months(*numbers: int, value: float = 1.0) -> pd.DataFrame:
    """Return a candle for each of these months of 2025."""
    return candles(*(datetime(2025, number, 1, tzinfo=UTC) for number in numbers), value=value)


@pytest.fixture
def repository(tmp_path: Path) -> ParquetDataRepository:
    return ParquetDataRepository(tmp_path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "BTC_USDT-5m"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    ("timeframe", "files"),
    [
        ("30s", ["2024-12-31.g1.parquet", "2025-01-28.g1.parquet", "2025-02-28.g1.parquet"]),
        ("1m", ["2024-12.g1.parquet", "2025-01.g1.parquet", "2025-02.g1.parquet"]),
        ("45m", ["2024-12.g1.parquet", "2025-01.g1.parquet", "2025-02.g1.parquet"]),
        ("1h", ["2024.g1.parquet", "2025.g1.parquet"]),
        ("1w", ["2024.g1.parquet", "2025.g1.parquet"]),
        ("1M", ["2024.g1.parquet", "2025.g1.parquet"]),
    ],
)
def test_a_partition_is_a_day_a_month_or_a_year(
    repository: ParquetDataRepository, tmp_path: Path, timeframe: str, files: list[str]
) -> None:
    ends = [datetime(2024, 12, 31, 23, 59, 30, tzinfo=UTC)]
    ends += [datetime(2025, month, 28, tzinfo=UTC) for month in (1, 2)]
    opened = [Timeframe(timeframe).floor(at) for at in ends]

    repository.save_ohlcv(PAIR, timeframe, candles(*opened))

    (found,) = tmp_path.iterdir()
    assert names(found) == [*files, "manifest.json"]


def test_anybody_can_read_a_partition(repository: ParquetDataRepository, folder: Path) -> None:
    repository.save_ohlcv(PAIR, "5m", months(1, value=7.5))

    table = pq.read_table(folder / "2025-01.g1.parquet")

    assert table.column_names == ["date", *COLUMNS]
    assert str(table.schema.field("date").type) == "timestamp[ms, tz=UTC]"
    assert table.to_pylist()[0]["close"] == 7.5


def test_a_read_opens_only_the_partitions_it_needs(
    repository: ParquetDataRepository, folder: Path
) -> None:
    repository.save_ohlcv(PAIR, "5m", months(1, 2, 3))
    for name in ("2025-01.g1.parquet", "2025-03.g1.parquet"):
        (folder / name).unlink()

    february = datetime(2025, 2, 1, tzinfo=UTC)
    day = repository.get_ohlcv(PAIR, "5m", start=february, end=february + timedelta(days=1))

    assert len(day) == 1


def test_coverage_opens_no_partition(repository: ParquetDataRepository, folder: Path) -> None:
    repository.save_ohlcv(PAIR, "5m", months(1, 2, 3))
    for path in folder.glob("*.parquet"):
        path.unlink()

    covered = repository.coverage(PAIR, "5m")

    assert covered == (datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 3, 1, tzinfo=UTC), 3)


def test_an_upsert_writes_only_the_partitions_it_changes(
    repository: ParquetDataRepository, folder: Path
) -> None:
    repository.save_ohlcv(PAIR, "5m", months(1, 2, 3))
    untouched = (folder / "2025-01.g1.parquet").stat().st_mtime_ns

    repository.upsert_ohlcv(PAIR, "5m", months(2, 4, value=2.0))

    manifest = json.loads((folder / "manifest.json").read_bytes())
    assert [(one["name"], one["generation"]) for one in manifest["partitions"]] == [
        ("2025-01", 1),
        ("2025-02", 2),
        ("2025-03", 1),
        ("2025-04", 2),
    ]
    assert (folder / "2025-01.g1.parquet").stat().st_mtime_ns == untouched


def test_an_upsert_that_changes_nothing_writes_nothing(
    repository: ParquetDataRepository, folder: Path
) -> None:
    repository.save_ohlcv(PAIR, "5m", months(1, 2))
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}

    repository.upsert_ohlcv(PAIR, "5m", months(2))

    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before


def test_replaced_files_are_removed_by_the_next_change(
    repository: ParquetDataRepository, folder: Path
) -> None:
    for value in (1.0, 2.0, 3.0):
        repository.upsert_ohlcv(PAIR, "5m", months(1, value=value))

    assert names(folder) == ["2025-01.g2.parquet", "2025-01.g3.parquet", "manifest.json"]


def test_other_files_in_a_series_are_left_alone(
    repository: ParquetDataRepository, folder: Path
) -> None:
    repository.save_ohlcv(PAIR, "5m", months(1))
    (folder / "notes.parquet").write_bytes(b"mine")

    repository.upsert_ohlcv(PAIR, "5m", months(1, value=2.0))

    assert (folder / "notes.parquet").read_bytes() == b"mine"


def test_other_folders_are_passed_over(repository: ParquetDataRepository, tmp_path: Path) -> None:
    repository.save_ohlcv(PAIR, "5m", months(1))
    for name in ("ETH_USDT-5m", "notes"):
        (tmp_path / name).mkdir()
    (tmp_path / "notes" / "manifest.json").write_text("{}")

    assert repository.series() == [(PAIR, Timeframe("5m"))]


def test_a_pair_of_another_script_is_a_series_and_a_name_that_is_no_pair_is_passed_over(
    repository: ParquetDataRepository, tmp_path: Path
) -> None:
    repository.save_ohlcv("\u5e01\u5b89/USDT", "5m", months(1))
    stored = tmp_path / "\u5e01\u5b89_USDT-5m"
    shutil.copytree(stored, tmp_path / "\u202e\u5e01_USDT-5m")
    shutil.copytree(stored, tmp_path / "btc_USDT-5m")

    assert repository.series() == [("\u5e01\u5b89/USDT", Timeframe("5m"))]
    assert len(repository.get_ohlcv("\u5e01\u5b89/USDT", "5m")) == len(months(1))


def test_readers_see_whole_upserts_and_never_wait(tmp_path: Path) -> None:
    ParquetDataRepository(tmp_path).save_ohlcv(PAIR, "5m", months(1, 2, 3, value=0.0))
    done = threading.Event()

    def write() -> None:
        for value in range(1, 9):
            frame = months(1, 2, 3, value=float(value))
            ParquetDataRepository(tmp_path).upsert_ohlcv(PAIR, "5m", frame)
        done.set()

    def read() -> list[int]:
        seen = []
        while not done.is_set():
            frame = ParquetDataRepository(tmp_path).get_ohlcv(PAIR, "5m")
            seen.append(len(frame) if frame.nunique().eq(1).all() else -1)
        return seen

    with ThreadPoolExecutor(3) as pool:
        readers = [pool.submit(read) for _ in range(2)]
        pool.submit(write).result()

    assert {count for reader in readers for count in reader.result()} <= {3}


@pytest.mark.parametrize("kind", [FlatDataRepository, ParquetDataRepository])
def test_upserts_at_the_same_time_are_all_kept(
    tmp_path: Path, kind: type[FlatDataRepository | ParquetDataRepository]
) -> None:
    _upsert_from_several_threads([kind(tmp_path) for _ in range(4)])

    assert len(kind(tmp_path).get_ohlcv(PAIR, "5m")) == 4 * 8


def test_threads_may_share_a_repository_in_memory() -> None:
    repository = InMemoryDataRepository()

    _upsert_from_several_threads([repository] * 4)

    assert len(repository.get_ohlcv(PAIR, "5m")) == 4 * 8


def _upsert_from_several_threads(repositories: Sequence[DataRepository]) -> None:
    """Upsert eight candles in three months through each, all at once."""
    barrier = threading.Barrier(len(repositories))

    def write(number: int) -> None:
        barrier.wait()
        for place in range(8):
            month = datetime(2025, 1 + place % 3, 1, tzinfo=UTC)
            opened = month + timedelta(minutes=5 * (number * 8 + place))
            repositories[number].upsert_ohlcv(PAIR, "5m", candles(opened))

    with ThreadPoolExecutor(len(repositories)) as pool:
        list(pool.map(write, range(len(repositories))))


def test_a_reader_whose_files_went_away_reads_again(
    repository: ParquetDataRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.save_ohlcv(PAIR, "5m", months(1))
    read = "tradai.core.frames._series_folder.read_regular_file"

    def after_two_changes(path: Path, kind: FileKind) -> bytes:
        if path.name == "2025-01.g1.parquet":
            monkeypatch.undo()
            for value in (2.0, 3.0):
                repository.upsert_ohlcv(PAIR, "5m", months(1, value=value))
            assert not path.exists()
        return read_regular_file(path, kind)

    monkeypatch.setattr(read, after_two_changes)

    assert repository.get_ohlcv(PAIR, "5m")["close"].tolist() == [3.0]


def test_a_partition_that_is_gone_is_named(repository: ParquetDataRepository, folder: Path) -> None:
    repository.save_ohlcv(PAIR, "5m", months(1))
    (folder / "2025-01.g1.parquet").unlink()

    with pytest.raises(StorageError, match=r"2025-01\.g1\.parquet"):
        repository.get_ohlcv(PAIR, "5m")


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_a_partition_cut_short_is_named(
    repository: ParquetDataRepository, folder: Path, share: float
) -> None:
    repository.save_ohlcv(PAIR, "5m", months(1))
    path = folder / "2025-01.g1.parquet"
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])

    with pytest.raises(ValidationError, match=r"2025-01\.g1\.parquet"):
        repository.get_ohlcv(PAIR, "5m")
    with pytest.raises(ValidationError, match=r"2025-01\.g1\.parquet"):
        repository.upsert_ohlcv(PAIR, "5m", months(1, value=2.0))


def test_a_flipped_bit_is_never_believed(repository: ParquetDataRepository, folder: Path) -> None:
    repository.save_ohlcv(PAIR, "5m", months(1))
    wanted = repository.get_ohlcv(PAIR, "5m")
    path = folder / "2025-01.g1.parquet"
    data = path.read_bytes()
    refusals = []

    for place in range(0, len(data), 7):
        flipped = bytearray(data)
        flipped[place] ^= 1
        path.write_bytes(flipped)
        try:
            assert repository.get_ohlcv(PAIR, "5m").equals(wanted)
        except ValidationError as exc:
            refusals.append(str(exc))

    assert len(refusals) > len(data) // 7 // 2
    assert all(str(path) in refusal for refusal in refusals)


def test_the_partition_of_another_manifest_is_refused(
    repository: ParquetDataRepository, folder: Path
) -> None:
    repository.save_ohlcv(PAIR, "5m", months(1, 2))
    (folder / "2025-02.g1.parquet").replace(folder / "2025-01.g1.parquet")

    with pytest.raises(ValidationError, match=r"2025-01\.g1\.parquet: it does not match"):
        repository.get_ohlcv(PAIR, "5m", end=datetime(2025, 2, 1, tzinfo=UTC))


LISTED = {"name": "2025-01", "generation": 1, "first_ms": 0, "last_ms": 0, "count": 1}


@pytest.mark.parametrize(
    "content",
    [
        [],
        {"layout": 1, "generation": 1, "partitions": []},
        {"layout": 2, "generation": 1, "partitions": [LISTED]},
        {"layout": 1, "generation": 1, "partitions": [LISTED | {"name": "../2025"}]},
        {"layout": 1, "generation": 1, "partitions": [LISTED | {"count": 0}]},
        {"layout": 1, "generation": 1, "partitions": [LISTED | {"file": "other.parquet"}]},
    ],
)
def test_a_file_that_is_not_a_manifest_is_named(
    repository: ParquetDataRepository, folder: Path, content: object
) -> None:
    repository.save_ohlcv(PAIR, "5m", months(1))
    (folder / "manifest.json").write_text(json.dumps(content))

    for ask in (repository.get_ohlcv, repository.coverage):
        with pytest.raises(ValidationError, match=r"manifest\.json is not a manifest"):
            ask(PAIR, "5m")


@pytest.mark.parametrize(
    ("code", "advice"),
    [(errno.ENOSPC, "the disk is full"), (errno.EROFS, "read-only"), (errno.EIO, "check the disk")],
)
@pytest.mark.parametrize("after", range(8))
def test_a_disk_that_refuses_says_so_and_keeps_the_old_series(
    repository: ParquetDataRepository,
    monkeypatch: pytest.MonkeyPatch,
    after: int,
    code: int,
    advice: str,
) -> None:
    repository.save_ohlcv(PAIR, "5m", months(1, 2))
    fsync, calls = os.fsync, iter(range(after))

    def refuse(descriptor: int) -> None:
        if next(calls, None) is None:
            raise OSError(code, os.strerror(code))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(StorageError, match=advice):
        repository.upsert_ohlcv(PAIR, "5m", months(1, 2, 3, value=2.0))
    monkeypatch.undo()

    # The last refusal comes when the manifest is in place, and only not known to be safe.
    kept = repository.get_ohlcv(PAIR, "5m")["close"].tolist()
    assert kept == ([1.0, 1.0] if after < 8 else [2.0, 2.0, 2.0])


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"1")
    repository = ParquetDataRepository(tmp_path / "file")

    assert repository.series() == []
    assert repository.coverage(PAIR, "5m") is None
    with pytest.raises(StorageError, match="is a file, not a folder"):
        repository.save_ohlcv(PAIR, "5m", months(1))


def test_a_uri_names_the_folder(tmp_path: Path) -> None:
    ParquetDataRepository(tmp_path / "a b").save_ohlcv(PAIR, "5m", months(1))

    for uri in (f"parquet://{tmp_path}/a%20b", f"parquet:{tmp_path}/a%20b"):
        assert ParquetDataRepository.for_uri(uri).series() == [(PAIR, Timeframe("5m"))]


Upserts = list[tuple[float, list[int]]]
DAYS = st.lists(st.integers(0, 120), min_size=1, max_size=12, unique=True).map(sorted)


@given(upserts=st.lists(st.tuples(st.floats(1, 9), DAYS), min_size=1, max_size=5))
def test_upserts_are_updates_of_a_mapping(
    upserts: Upserts, tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("upserts")
    start = datetime(2024, 12, 1, tzinfo=UTC)
    repositories = [
        InMemoryDataRepository(),
        ParquetDataRepository(root / "parquet"),
        FlatDataRepository(root / "flat"),
    ]
    wanted: dict[datetime, float] = {}

    for value, days in upserts:
        opened = [start + timedelta(days=day) for day in days]
        wanted |= dict.fromkeys(opened, value)
        for repository in repositories:
            repository.upsert_ohlcv(PAIR, "5m", candles(*opened, value=value))

    for repository in repositories:
        kept = repository.get_ohlcv(PAIR, "5m")
        assert dict(zip(kept.index, kept["close"], strict=True)) == wanted
        assert kept.index.is_monotonic_increasing

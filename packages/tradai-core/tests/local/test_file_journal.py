import fcntl
import io
import json
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from tradai.core import FileJournal, JsonValue, RunJournal
from tradai.core.exceptions import NotFoundError, StorageError, ValidationError
from tradai.core.testing import FixedClock, RunJournalContract

ENDLESS_WRITER = """
import itertools, sys
from tradai.core import FileJournal
journal = FileJournal(sys.argv[1])
for number in itertools.count(1):
    journal.append("step", number=number, padding="x" * 5000)
    print(number, flush=True)
"""


class TestFileJournal(RunJournalContract):
    @pytest.fixture
    def journal(self, tmp_path: Path) -> Iterator[RunJournal]:
        with closing(FileJournal(tmp_path / "runs" / "1" / "journal.jsonl")) as journal:
            yield journal


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.jsonl"


def test_a_line_is_json_with_number_time_event_facts_and_checksum(path: Path) -> None:
    _append(path, "run started", mode="backtest")

    line = json.loads(path.read_text())

    assert list(line) == ["sequence", "at", "event", "facts", "crc"]
    assert line["at"] == "2025-01-01T00:00:00+00:00"
    assert line["facts"] == {"mode": "backtest"}


def test_a_journal_goes_on_where_it_ended(path: Path) -> None:
    for event in ("one", "two", "three"):
        _append(path, event)

    assert _events(path) == [(1, "one"), (2, "two"), (3, "three")]


def test_a_closed_journal_opens_again_by_itself(path: Path) -> None:
    with closing(FileJournal(path)) as journal:
        journal.append("one")
        journal.close()
        journal.append("two")

    assert _events(path) == [(1, "one"), (2, "two")]


def test_only_its_owner_may_read_it(path: Path) -> None:
    _append(path, "one")

    assert path.stat().st_mode & 0o777 == 0o600


def test_a_killed_writer_loses_no_confirmed_entry(path: Path) -> None:
    command = [sys.executable, "-c", ENDLESS_WRITER, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        confirmed = [int(writer.stdout.readline()) for _ in range(20)]
        writer.send_signal(signal.SIGKILL)
        confirmed += [int(number) for number in writer.stdout]

    found = [entry.facts["number"] for entry in FileJournal(path).entries()]
    _append(path, "run recovered")

    assert writer.returncode == -signal.SIGKILL
    assert found[: len(confirmed)] == confirmed
    assert len(found) <= len(confirmed) + 1
    assert _events(path)[-1] == (len(found) + 1, "run recovered")


def test_a_line_torn_anywhere_is_skipped_and_the_next_stands_alone(path: Path) -> None:
    _append(path, "one")
    whole = path.stat().st_size
    _append(path, "two", pairs=["BTC/USDT"])
    data = path.read_bytes()

    for size in range(whole, len(data) - 1):
        path.write_bytes(data[:size])
        assert _events(path) == [(1, "one")]
        _append(path, "again")
        assert _events(path) == [(1, "one"), (2, "again")]


def test_a_line_that_lacks_only_its_end_counts(path: Path) -> None:
    _append(path, "one")
    path.write_bytes(path.read_bytes()[:-1])

    _append(path, "two")

    assert _events(path) == [(1, "one"), (2, "two")]


def test_a_torn_line_is_reported_in_the_log(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    _append(path, "one")
    path.write_bytes(path.read_bytes() + b'{"sequence":2,"at":"20')

    with caplog.at_level(logging.WARNING):
        list(FileJournal(path).entries())

    assert [(record.message, vars(record)["line"]) for record in caplog.records] == [
        ("damaged journal line skipped", 2)
    ]


def test_every_flipped_bit_is_noticed_and_leaves_a_gap_in_the_numbers(path: Path) -> None:
    for event in ("one", "two", "three"):
        _append(path, event)
    data = path.read_bytes()
    first, second, third = data.splitlines(keepends=True)

    for place in range(len(second) - 1):
        flipped = bytearray(second)
        flipped[place] ^= 1
        path.write_bytes(first + flipped + third)

        assert _events(path) == [(1, "one"), (3, "three")]


def test_zeros_after_a_power_loss_are_skipped(path: Path) -> None:
    _append(path, "one")
    path.write_bytes(path.read_bytes() + bytes(4096))

    _append(path, "two")

    assert _events(path) == [(1, "one"), (2, "two")]


def test_a_second_writer_is_refused_until_the_first_lets_go(path: Path) -> None:
    with closing(FileJournal(path)) as first, closing(FileJournal(path)) as second:
        first.append("one")

        with pytest.raises(StorageError, match="another process is writing it"):
            second.append("two")
        assert [entry.event for entry in second.entries()] == ["one"]

        first.close()
        second.append("two")

    assert _events(path) == [(1, "one"), (2, "two")]


class Refusals:
    """The system's flock, which sets `seen` when it has refused an exclusive lock."""

    def __init__(self) -> None:
        self.seen = threading.Event()
        self._lock = fcntl.flock

    def __call__(self, file: int | io.FileIO, operation: int) -> None:
        try:
            self._lock(file, operation)
        except BlockingIOError:
            if operation & fcntl.LOCK_EX:
                self.seen.set()
            raise


def test_a_writer_that_meets_a_look_for_writers_starts_after_it(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.touch()
    refusals = Refusals()
    monkeypatch.setattr(fcntl, "flock", refusals)

    with ThreadPoolExecutor() as pool, path.open() as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)
        writer = pool.submit(_append, path, "one")
        # The lock of the look ends only when the writer has met it.
        assert refusals.seen.wait(timeout=60)
        looking.close()
        writer.result(timeout=60)

    assert _events(path) == [(1, "one")]


def test_a_hold_that_meets_a_look_for_writers_is_free_after_it(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hold() -> bool:
        with FileJournal(path).without_writers() as is_free:
            return is_free

    path.touch()
    refusals = Refusals()
    monkeypatch.setattr(fcntl, "flock", refusals)

    with ThreadPoolExecutor() as pool, path.open() as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)
        held = pool.submit(hold)
        assert refusals.seen.wait(timeout=60)
        looking.close()

        assert held.result(timeout=60)


def test_looks_for_a_writer_do_not_take_each_other_for_one(path: Path) -> None:
    path.touch()

    with path.open() as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)

        assert not FileJournal(path).has_writer()


def test_a_writer_is_seen_until_it_lets_go(path: Path) -> None:
    path.touch()
    with closing(FileJournal(path)) as journal:
        assert not FileJournal(path).has_writer()
        journal.append("one")
        assert FileJournal(path).has_writer()

    assert not FileJournal(path).has_writer()


def test_a_journal_without_a_writer_can_be_held_still(path: Path) -> None:
    path.touch()
    with closing(FileJournal(path)) as writer:
        with FileJournal(path).without_writers() as is_free:
            assert is_free
            assert FileJournal(path).has_writer()
            with pytest.raises(StorageError, match="another process is writing it"):
                writer.append("one")
        writer.append("one")
        with FileJournal(path).without_writers() as is_free:
            assert not is_free

    with pytest.raises(NotFoundError):
        FileJournal(path.with_name("absent.jsonl")).has_writer()


def test_a_refused_entry_does_not_harm_the_next(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: int) -> None:
        raise OSError(28, os.strerror(28))

    with closing(FileJournal(path)) as journal:
        journal.append("one")
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", refuse)
            with pytest.raises(StorageError, match="disk is full"):
                journal.append("two")
        journal.append("three")

    # The disk had taken "two" in, and only failed to confirm it.
    assert _events(path) == [(1, "one"), (2, "two"), (3, "three")]


def test_a_fact_that_is_not_json_is_named(path: Path) -> None:
    with pytest.raises(ValidationError, match="fact 'profit' of 'run ended'"):
        _append(path, "run ended", profit=float("nan"))

    assert not path.exists()


def test_a_fact_whose_name_says_secret_is_masked(path: Path) -> None:
    _append(path, "login", exchange={"api_key": "fake-key-1", "name": "binance"})

    (entry,) = FileJournal(path).entries()
    assert entry.facts == {"exchange": {"api_key": "***", "name": "binance"}}


def _append(path: Path, event: str, **facts: JsonValue) -> None:
    with closing(FileJournal(path, clock=FixedClock())) as journal:
        journal.append(event, **facts)


def _events(path: Path) -> list[tuple[int, str]]:
    return [(entry.sequence, entry.event) for entry in FileJournal(path).entries()]

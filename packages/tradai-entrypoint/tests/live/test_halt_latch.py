"""The halt latch: it survives a restart, and only a person with a reason clears it.

The latch has no place in the door before a command uses it.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tradai.core import Clock, FileStore, Secret
from tradai.core.exceptions import ConflictError, NotFoundError, ValidationError
from tradai.core.testing import FixedClock
from tradai.entrypoint import ExitCode
from tradai.entrypoint._live._risk.halt_latch import HaltedError, HaltLatch

CAUSE = "the drawdown is 0.31, and 0.3 is the limit"


def _latch(path: Path, clock: Clock | None = None) -> HaltLatch:
    return HaltLatch(FileStore(), str(path / "latch.json"), clock=clock or FixedClock())


def test_without_a_halt_a_session_may_start(tmp_path: Path) -> None:
    _latch(tmp_path).check()

    assert _latch(tmp_path).halts() == ()


def test_a_halt_refuses_each_session_with_its_cause_and_exit_code(tmp_path: Path) -> None:
    _latch(tmp_path).trip(CAUSE, run_id="run-7")

    for _ in range(2):
        with pytest.raises(HaltedError, match=r"at 2025-01-01 00:00:00 UTC by run run-7") as caught:
            _latch(tmp_path).check()

        assert CAUSE in str(caught.value)
        assert caught.value.exit_code == 79
        assert ExitCode.of_error(caught.value) is ExitCode.HALTED


def test_a_halt_survives_the_process_that_was_killed_right_after_it(tmp_path: Path) -> None:
    program = (
        "import os, sys\n"
        "from tradai.entrypoint._live._risk.halt_latch import HaltLatch\n"
        "HaltLatch.for_uri(sys.argv[1]).trip('a test', run_id='run-7')\n"
        "os.kill(os.getpid(), 9)\n"
    )
    uri = f"file:{tmp_path}/latch.json"

    ended = subprocess.run([sys.executable, "-c", program, uri], check=False, timeout=60)

    assert ended.returncode == -9
    with pytest.raises(HaltedError, match="run-7"):
        HaltLatch.for_uri(uri).check()


# Kills a copy of itself before the first, the second, ... call that may change the disk; the last
# copy, which lives, has made fewer calls.
_KILLED_AT_EACH_CALL = """
import itertools, os, shutil, signal, sys
from tradai.entrypoint._live._risk.halt_latch import HaltLatch

calls = {"open", "write", "flush", "fsync", "close", "replace", "rename", "link", "unlink", "flock"}

def trip(latch, last):
    left = iter(range(last))

    def count(frame, event, function):
        if event == "c_call" and function.__name__ in calls and next(left, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(count)
    latch.trip("a test", run_id="run-7")
    sys.setprofile(None)

for last in itertools.count():
    folder = f"{sys.argv[1]}/{last}"
    shutil.copytree(f"{sys.argv[1]}/before", folder)
    latch = HaltLatch.for_uri(f"file:{folder}/latch.json")
    child = os.fork()
    if not child:
        trip(latch, last)
        os._exit(0)
    if not os.waitpid(child, 0)[1]:
        break
"""


def test_a_process_that_is_killed_while_it_halts_leaves_a_latch_that_is_whole(
    tmp_path: Path,
) -> None:
    (tmp_path / "before").mkdir()
    _latch(tmp_path / "before").trip(CAUSE, run_id="run-1")
    _latch(tmp_path / "before").clear(1, reason="a wick of one venue", by="an operator")

    command = [sys.executable, "-c", _KILLED_AT_EACH_CALL, str(tmp_path)]
    subprocess.run(command, check=True, timeout=60)

    (tmp_path / "before").rename(tmp_path / "-1")
    folders = sorted(tmp_path.iterdir(), key=lambda folder: int(folder.name))
    kept = [[halt.run_id for halt in _latch(folder).halts()] for folder in folders]
    # Not halted up to one call, and halted from then on.
    assert sorted(kept) == kept
    assert {tuple(runs) for runs in kept} == {("run-1",), ("run-1", "run-7")}
    for folder in folders:
        assert _latch(folder).trip("again", run_id="run-8").number == len(kept.pop(0)) + 1


def test_a_cleared_halt_lets_sessions_start_and_stays_in_the_record(tmp_path: Path) -> None:
    clock = FixedClock()
    halt = _latch(tmp_path, clock).trip(CAUSE, run_id="run-7")
    clock.advance(timedelta(hours=1))

    _latch(tmp_path, clock).clear(halt.number, reason="a wick of one venue", by="an operator")

    _latch(tmp_path).check()
    (kept,) = _latch(tmp_path).halts()
    assert (kept.cause, kept.run_id) == (CAUSE, "run-7")
    assert kept.cleared is not None
    assert (kept.cleared.reason, kept.cleared.by) == ("a wick of one venue", "an operator")
    assert kept.cleared.at - kept.at == timedelta(hours=1)


@pytest.mark.parametrize(("reason", "by"), [("", "a"), (" \n", "a"), ("a", ""), ("a", "\t")])
def test_a_halt_is_not_cleared_without_a_reason_and_a_name(
    tmp_path: Path, reason: str, by: str
) -> None:
    _latch(tmp_path).trip(CAUSE, run_id="run-7")

    with pytest.raises(ValidationError, match="of a clearance is empty"):
        _latch(tmp_path).clear(1, reason=reason, by=by)

    with pytest.raises(HaltedError):
        _latch(tmp_path).check()


def test_a_halt_that_the_person_has_not_seen_is_not_cleared(tmp_path: Path) -> None:
    seen = _latch(tmp_path).trip(CAUSE, run_id="run-7")
    _latch(tmp_path).trip("the order rate is 90", run_id="run-7")

    with pytest.raises(ConflictError, match="halt 2 stands"):
        _latch(tmp_path).clear(seen.number, reason="a wick", by="an operator")

    with pytest.raises(HaltedError, match="the order rate is 90"):
        _latch(tmp_path).check()


def test_a_halt_that_comes_while_one_is_cleared_stands(tmp_path: Path) -> None:
    class ClockThatSeesAHalt:
        """Asked for the time between the look at the halt and the write that clears it."""

        def now(self) -> datetime:
            _latch(tmp_path).trip("the order rate is 90", run_id="run-8")
            return FixedClock().now()

    _latch(tmp_path).trip(CAUSE, run_id="run-7")

    with pytest.raises(ConflictError):
        _latch(tmp_path, ClockThatSeesAHalt()).clear(1, reason="a wick", by="an operator")

    with pytest.raises(HaltedError, match="run-8"):
        _latch(tmp_path).check()


def test_nothing_is_cleared_where_no_halt_stands(tmp_path: Path) -> None:
    latch = _latch(tmp_path)
    with pytest.raises(NotFoundError):
        latch.clear(1, reason="a wick", by="an operator")

    latch.trip(CAUSE, run_id="run-7")
    latch.clear(1, reason="a wick", by="an operator")
    with pytest.raises(NotFoundError):
        latch.clear(1, reason="a wick", by="an operator")


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"{}x", b"[]", b"{}", b'{"format": 2, "halts": []}', b'{"format": 1, "halts": []}'),
        *(b'{"halts": [{"number": 1}]}', b'{"h": 1}', b'{"format": 1}'),
        b"[" * 100_000,
    ],
)
def test_a_latch_that_cannot_be_read_counts_as_halted_and_is_not_overwritten(
    tmp_path: Path, data: bytes
) -> None:
    (tmp_path / "latch.json").write_bytes(data)
    latch = _latch(tmp_path)

    for call in (
        latch.check,
        latch.halts,
        lambda: latch.trip(CAUSE, run_id="run-7"),
        lambda: latch.clear(1, reason="a wick", by="an operator"),
    ):
        with pytest.raises(HaltedError, match="counts as halted"):
            call()

    assert (tmp_path / "latch.json").read_bytes() == data


@pytest.mark.parametrize(
    ("written", "edited"),
    [
        ('"halts": [', '"halts": [], "halts": ['),
        ('"format": 1,', ""),
        ('"number": 1', '"number": 2'),
        ('"number": 2', '"number": 1'),
    ],
)
def test_a_latch_that_was_edited_counts_as_halted(
    tmp_path: Path, written: str, edited: str
) -> None:
    for number in (1, 2):
        _latch(tmp_path).trip(CAUSE, run_id="run-7")
        _latch(tmp_path).clear(number, reason="a wick", by="an operator")
    file = tmp_path / "latch.json"
    file.write_text(file.read_text().replace(written, edited))

    with pytest.raises(HaltedError, match="counts as halted"):
        _latch(tmp_path).check()


def _link_to_nothing(place: Path) -> None:
    place.symlink_to("absent")


@pytest.mark.parametrize("make", [Path.mkdir, _link_to_nothing, os.mkfifo])
def test_another_thing_in_the_place_of_the_latch_counts_as_halted(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    make(tmp_path / "latch.json")

    for call in (_latch(tmp_path).check, _latch(tmp_path).halts):
        with pytest.raises(HaltedError, match="counts as halted") as caught:
            call()

        assert caught.value.exit_code == 79


@pytest.mark.parametrize("form", ["FILE:{0}", "file:{0}?x=1", "file:{0}#a"])
def test_a_place_that_only_looks_like_that_of_the_latch_is_refused(
    tmp_path: Path, form: str
) -> None:
    _latch(tmp_path).trip(CAUSE, run_id="run-7")

    with pytest.raises(ValidationError, match="does not name a file"):
        HaltLatch.for_uri(form.format(tmp_path / "latch.json")).check()


@pytest.mark.parametrize("cause", ["", " ", "x" * 100_000])
def test_no_cause_keeps_a_halt_from_being_recorded(tmp_path: Path, cause: str) -> None:
    _latch(tmp_path).trip(cause, run_id="run-7")

    with pytest.raises(HaltedError):
        _latch(tmp_path).check()


def test_a_secret_in_a_cause_or_a_reason_is_masked(tmp_path: Path) -> None:
    Secret("not-a-real-password-7")
    _latch(tmp_path).trip("login with not-a-real-password-7 failed", run_id="run-7")
    _latch(tmp_path).clear(1, reason="not-a-real-password-7 was rotated", by="an operator")

    text = (tmp_path / "latch.json").read_text()

    assert "login with *** failed" in text
    assert "not-a-real" not in text


def test_halts_of_several_processes_at_once_are_all_recorded(tmp_path: Path) -> None:
    barrier = threading.Barrier(4)

    def trip(number: int) -> int:
        barrier.wait(60)
        return _latch(tmp_path).trip(CAUSE, run_id=f"run-{number}").number

    with ThreadPoolExecutor(4) as pool:
        numbers = list(pool.map(trip, range(4)))

    assert sorted(numbers) == [1, 2, 3, 4]
    assert {halt.run_id for halt in _latch(tmp_path).halts()} == {f"run-{i}" for i in range(4)}

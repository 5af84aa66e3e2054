"""A spool keeps whole records: of killed processes, of full disks, and of one writer at a time."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from threading import Barrier
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, strategies as st

from tradai.core import MetricPoint, TrackedRun, TrackedStatus, seal_line, unseal_line
from tradai.core.exceptions import StorageError
from tradai.mlflow._tracking.spool import SPOOL_NAME, Spool, SpoolBusyError, read_spool
from tradai.mlflow._tracking.tracker import MLflowTracker, track

if TYPE_CHECKING:
    from tests.tracking.conftest import FakeRuns

START = datetime.fromisoformat("2025-01-01T00:00:00+00:00")
RUN = TrackedRun(id="run-1", name="first", experiment="momentum", started_at=START)

# The server of these programs is at a port that nothing listens on.
LOGS = """
import os, resource, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from tradai.core import MetricPoint, TrackedRun
from tradai.core.exceptions import ExternalServiceError, StorageError
from tradai.mlflow._tracking.tracker import MLflowTracker

def no_server():
    raise ExternalServiceError("refused", service="mlflow", operation="connect")

tracker = MLflowTracker(no_server, address="http://127.0.0.1:9")
run = tracker.start(
    TrackedRun(id="run-1", name="first", experiment="momentum", started_at=datetime.now(UTC)),
    folder=Path(sys.argv[1]),
)
"""
KILLED = """
for step in range(500):
    run.log_points([MetricPoint("loss", step / 7, step)])
os.kill(os.getpid(), signal.SIGKILL)
"""
FULL = """
size = (Path(sys.argv[1]) / "tracking.jsonl").stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 250, resource.RLIM_INFINITY))
kept = []
for step in range(10):
    try:
        run.log_points([MetricPoint("loss", step / 7, step)])
        kept.append(step)
    except StorageError as exc:
        print(exc, file=sys.stderr)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
run.log_points([MetricPoint("loss", 2.0, 99)])
print(*kept, 99)
os.kill(os.getpid(), signal.SIGKILL)
"""


def child(program: str, folder: Path, *, start: str = LOGS) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", start + program, str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_a_killed_process_loses_none_of_500_points_while_the_server_is_down(
    server: "FakeRuns", tracker: MLflowTracker, tmp_path: Path
) -> None:
    assert child(KILLED, tmp_path).returncode == -9

    delivery = tracker.deliver(tmp_path)

    seen = server.view("run-1")
    assert delivery.waiting == 0
    assert [(point.step, point.value) for point in seen.points] == [
        (step, step / 7) for step in range(500)
    ]
    assert seen.status is TrackedStatus.KILLED


def test_a_full_disk_is_reported_and_leaves_whole_records(
    server: "FakeRuns", tracker: MLflowTracker, tmp_path: Path
) -> None:
    ended = child(FULL, tmp_path)

    tracker.deliver(tmp_path)

    kept = [int(step) for step in ended.stdout.split()]
    assert 1 < len(kept) < 11
    assert [point.step for point in server.only().points] == kept
    assert "cannot append to" in ended.stderr
    assert SPOOL_NAME in ended.stderr


@given(cut=st.integers(0, 10_000))
@example(cut=-1)
def test_a_spool_that_is_cut_anywhere_has_the_records_before_and_takes_new_ones(
    cut: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("run")
    spool = Spool.create(folder)
    run = track(RUN, spool)
    for step in range(20):
        run.log_points([MetricPoint("loss", step / 7, step)])
    spool.close()
    path = folder / SPOOL_NAME
    whole = path.read_bytes()
    kept = whole[: cut % len(whole)]
    path.write_bytes(kept)

    again = Spool.resume(folder)

    assert again is not None
    again.append("tags", {"after": "1"})
    again.close()
    records = [record for record, _ in read_spool(path)]
    # A line that lacks only its end is whole.
    lines = kept.count(b"\n") + (unseal_line(kept.rpartition(b"\n")[2]) is not None)
    assert [record.number for record in records] == list(range(1, lines + 2))
    assert records[-1].value == {"after": "1"}


def test_a_damaged_record_is_left_out(tmp_path: Path) -> None:
    spool = Spool.create(tmp_path)
    for number in range(3):
        spool.append("tags", {"number": str(number)})
    spool.close()
    path = tmp_path / SPOOL_NAME
    path.write_bytes(path.read_bytes().replace(b'"number":"1"', b'"number":"7"'))

    assert [record.number for record, _ in read_spool(path)] == [1, 3]


def test_a_spool_of_a_newer_version_is_refused_and_left_as_it_is(
    server: "FakeRuns", tracker: MLflowTracker, tmp_path: Path
) -> None:
    path = tmp_path / SPOOL_NAME
    newer = seal_line({"n": 1, "run": 0, "start": {"schema": 2, "future": True}})
    path.write_bytes(newer)

    with pytest.raises(StorageError, match="newer version of tradai-mlflow"):
        tracker.deliver(tmp_path)

    assert path.read_bytes() == newer
    assert server.runs == {}


def test_a_spool_without_its_start_is_named_as_damaged(
    server: "FakeRuns", tracker: MLflowTracker, tmp_path: Path
) -> None:
    spool = Spool.create(tmp_path)
    track(RUN, spool).log_points([MetricPoint("loss", 0.5)])
    spool.close()
    path = tmp_path / SPOOL_NAME
    path.write_bytes(path.read_bytes().replace(b"momentum", b"momentun"))

    delivery = tracker.deliver(tmp_path)

    assert "damaged" in str(delivery.problem)
    assert delivery.waiting > 0
    assert server.runs == {}


def test_two_writers_cannot_have_one_spool(tmp_path: Path) -> None:
    spool = Spool.create(tmp_path)

    with pytest.raises(SpoolBusyError, match="own process"):
        Spool.resume(tmp_path)
    spool.close()

    assert Spool.resume(tmp_path) is not None


def test_others_cannot_read_a_spool(tmp_path: Path) -> None:
    Spool.create(tmp_path)

    assert (tmp_path / SPOOL_NAME).stat().st_mode & 0o077 == 0


def test_a_run_that_cannot_start_leaves_no_spool(tracker: MLflowTracker, tmp_path: Path) -> None:
    unusable = TrackedRun(id="it's", name="x", experiment="momentum", started_at=START)

    with pytest.raises(ValueError, match="run id"):
        tracker.start(unusable, folder=tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_damaged_records_are_counted_when_the_rest_is_delivered(
    tracker: MLflowTracker, tmp_path: Path
) -> None:
    run = track(RUN, Spool.create(tmp_path))
    for step in range(9):
        run.log_points([MetricPoint("loss", 0.5, step)])
    run.end(TrackedStatus.FINISHED)
    path = tmp_path / "tracking.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:3], b"x" + lines[3][1:], lines[4][:9], *lines[5:]]))

    delivery = tracker.deliver(tmp_path)

    assert delivery.waiting == 0
    assert "3 of its records" in str(delivery.problem)


@pytest.mark.parametrize("data", [b"x", b'{"n": 1}\n', b"\0" * 4096, b"\n\n"])
def test_a_spool_without_one_readable_record_is_a_problem(
    data: bytes, tracker: MLflowTracker, tmp_path: Path
) -> None:
    (tmp_path / SPOOL_NAME).write_bytes(data)

    delivery = tracker.deliver(tmp_path)

    assert delivery.waiting == 1
    assert f"{tmp_path / SPOOL_NAME} is damaged: none of its records can be read" in str(
        delivery.problem
    )


def test_a_spool_that_was_never_written_to_is_none(tracker: MLflowTracker, tmp_path: Path) -> None:
    (tmp_path / SPOOL_NAME).touch()

    assert tracker.deliver(tmp_path).waiting == 0


def test_a_run_starts_while_other_threads_look_for_runs_to_deliver(
    tracker: MLflowTracker, tmp_path: Path
) -> None:
    for attempt in range(100):
        folder, barrier = tmp_path / str(attempt), Barrier(8)
        folder.mkdir()

        def start_or_deliver(number: int, folder: Path = folder, barrier: Barrier = barrier) -> int:
            barrier.wait()
            if number == 0:
                Spool.create(folder).close()
                return 0
            return sum(tracker.deliver(folder).waiting for _ in range(20))

        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(start_or_deliver, range(8))) == [0] * 8


def test_a_run_that_did_not_begin_is_none_for_threads_that_look_for_runs_to_deliver(
    tracker: MLflowTracker, tmp_path: Path
) -> None:
    for attempt in range(100):
        folder, barrier = tmp_path / str(attempt), Barrier(8)
        folder.mkdir()
        spool = Spool.create(folder)

        def discard_or_deliver(
            number: int, folder: Path = folder, barrier: Barrier = barrier, spool: Spool = spool
        ) -> int:
            barrier.wait()
            if number == 0:
                spool.discard()
                return 0
            return sum(tracker.deliver(folder).waiting for _ in range(20))

        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(discard_or_deliver, range(8))) == [0] * 8


FORKS = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from tradai.core import TrackedRun
from tradai.mlflow._tracking.spool import Spool, SpoolBusyError
from tradai.mlflow._tracking.tracker import track

folder = Path(sys.argv[1])
run = TrackedRun(id="run-1", name="first", experiment="momentum", started_at=datetime.now(UTC))
spool = Spool.create(folder)
tracked = track(run, spool)
child = os.fork()
if child == 0:
    try:
        tracked.log_params({"by": "child"})
    except SpoolBusyError:
        spool.close()
        os._exit(0)
    os._exit(1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
try:
    Spool.resume(folder)
except SpoolBusyError:
    tracked.log_params({"by": "parent"})
child = os.fork()
if child == 0:
    signal.pause()
try:
    spool.close()
    print([record.value for record, _ in Spool.resume(folder).records()][1:])
finally:
    os.kill(child, signal.SIGKILL)
"""


def test_a_forked_child_adds_nothing_and_has_no_lock(tmp_path: Path) -> None:
    ended = child(FORKS, tmp_path, start="")

    assert (ended.stderr, ended.stdout) == ("", "[{'by': 'parent'}]\n")

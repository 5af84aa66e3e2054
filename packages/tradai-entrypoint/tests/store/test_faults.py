"""Runs whose store or process fails at each step: one owner, and a manifest only when all is there.

A process that is killed is seen by the store as one whose calls end. So the faulty store carries
out a number of calls and then no more: before or after the call at that point.
"""

import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Literal, TypeVar, final

import pytest

from tradai.core import (
    FileJournal,
    FileStore,
    JsonValue,
    MemoryStore,
    ObjectInfo,
    ObjectStore,
    StoredObject,
)
from tradai.core.exceptions import ConflictError, ExternalServiceError, TradAIError
from tradai.entrypoint import Interrupts
from tradai.entrypoint._store.claim import RunOwnedError
from tradai.entrypoint._store.names import MANIFEST_NAME, STARTED_NAME, result_files
from tradai.entrypoint._store.pull import pull_run
from tradai.entrypoint._store.run_store import RunStore
from tradai.entrypoint._store.sender import RunSender
from tradai.entrypoint._store.upload import RunUpload

# The sending of a run has no public name: it is part of StrategyEntrypoint.run().

RUN = "job-1"
MANIFEST = b'{"run_id": "job-1", "state": "ended", "exit_code": 65}'
POINTS = range(16)
SEEDS = range(3)
SOON = 30.0

T = TypeVar("T")
Fault = Literal["kill-before", "kill-after", "fail", "lose", "hang", "crash"]


@final
class FaultyStore:
    """Object store that has a fault at the call of one number, counted from 0."""

    def __init__(self, store: ObjectStore, fault: Fault | None = None, at: int = 0) -> None:
        self.calls: list[str] = []
        self.release = threading.Event()
        self._store = store
        self._fault = fault
        self._at = at

    def read(self, uri: str) -> StoredObject:
        return self._call(f"read {uri}", lambda: self._store.read(uri))

    def write(
        self, uri: str, data: bytes, *, if_match: str | None = None, if_absent: bool = False
    ) -> str:
        def write() -> str:
            return self._store.write(uri, data, if_match=if_match, if_absent=if_absent)

        return self._call(f"write {uri}", write)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        return iter(self._call(f"list {prefix}", lambda: [*self._store.list(prefix)]))

    def delete(self, uri: str) -> None:
        self._call(f"delete {uri}", lambda: self._store.delete(uri))

    def stat(self, uri: str) -> ObjectInfo:
        return self._call(f"stat {uri}", lambda: self._store.stat(uri))

    def copy(self, source: str, target: str) -> str:
        return self._call(f"copy {source}", lambda: self._store.copy(source, target))

    def _call(self, name: str, call: Callable[[], T]) -> T:
        number = len(self.calls)
        self.calls.append(name)
        is_dead = bool(self._fault and self._fault.startswith("kill")) and number > self._at
        if is_dead or (number == self._at and self._fault in {"kill-before", "fail"}):
            raise gone()
        if number == self._at and self._fault == "crash":
            raise RuntimeError("a bug of the store")
        if number == self._at and self._fault == "hang":
            self.release.wait(60)
        answer = call()
        if number == self._at and self._fault in {"kill-after", "lose"}:
            raise gone()
        return answer


def gone() -> ExternalServiceError:
    return ExternalServiceError("no answer", service="s3", operation="any", retryable=True)


@pytest.fixture(params=["file", "memory"])
def inner(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[ObjectStore, str]:
    if request.param == "file":
        return FileStore(), f"file://{tmp_path}/store"
    return MemoryStore(), "memory:store"


@pytest.fixture
def make_folder(tmp_path: Path) -> Callable[[str, int], Path]:
    """Make a run folder of random files; the same seed makes the same."""

    def make(name: str, seed: int) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        # Not for secrets: the same seed must make the same files.
        dice = random.Random(seed)  # noqa: S311
        for number in range(dice.randint(9, 11)):
            file = folder / f"sub {number % 2}" / f"file-{number}%20.bin"
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(dice.randbytes(dice.randint(0, 2000)))
        return folder

    return make


def started(process: str) -> dict[str, JsonValue]:
    return {"run_id": RUN, "owner": process, "process": process}


def upload_to(store: RunStore, folder: Path, process: str) -> RunUpload:
    return RunUpload(store, folder, started(process), timeout_s=SOON)


def send_all(upload: RunUpload, folder: Path) -> None:
    """Do what a run does: claim, journal and track twice while it goes on, and the rest then."""
    upload.claim()
    with closing(FileJournal(folder / "journal.jsonl")) as journal:
        for event in ("run started", "run ended"):
            journal.append(event, folder=folder.name)
            with (folder / "tracking.jsonl").open("a") as tracked:
                tracked.write(f"{event} in {folder.name}\n")
            upload.send_progress()
        journal.append("closed")
    upload.send_rest(MANIFEST)


def content(folder: Path) -> dict[str, bytes]:
    names = [*result_files(folder), "journal.jsonl", "tracking.jsonl"]
    # A process that was killed at its first steps has no journal.
    return {name: (folder / name).read_bytes() for name in names if (folder / name).exists()}


def check_whole(store: RunStore, folder: Path, root: Path) -> None:
    """Check that the run in the store is that of `folder`."""
    pulled = pull_run(store, RUN, root, timeout_s=SOON)
    assert content(pulled) == content(folder)
    assert (pulled / MANIFEST_NAME).read_bytes() == MANIFEST


def is_whole(store: RunStore) -> bool:
    return MANIFEST_NAME in store.sizes(RUN)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("fault", ["kill-before", "kill-after"])
@pytest.mark.parametrize("point", POINTS)
def test_a_process_killed_at_any_point_leaves_one_owner_and_no_false_manifest(
    point: int,
    fault: Fault,
    seed: int,
    inner: tuple[ObjectStore, str],
    make_folder: Callable[[str, int], Path],
    tmp_path: Path,
) -> None:
    first, second = make_folder("first", seed), make_folder("second", seed + 100)
    store = RunStore(*inner)
    killed = FaultyStore(inner[0], fault, point)
    with pytest.raises(TradAIError):
        send_all(upload_to(RunStore(killed, inner[1]), first, "one"), first)
    assert len(killed.calls) > point
    was_claimed = STARTED_NAME in store.sizes(RUN)
    if is_whole(store):
        check_whole(store, first, tmp_path / "first-pulled")

    if was_claimed:
        with pytest.raises(RunOwnedError) as caught:
            send_all(upload_to(store, second, "two"), second)
        assert caught.value.exit_code == (65 if is_whole(store) else 75)
        again = upload_to(store, first, "one")
        again.resume()
        again.send_rest(MANIFEST)
        check_whole(store, first, tmp_path / "pulled")
    else:
        send_all(upload_to(store, second, "two"), second)
        check_whole(store, second, tmp_path / "pulled")
        with pytest.raises(ConflictError, match="another process"):
            upload_to(store, first, "one").resume()


@pytest.mark.parametrize("fault", ["fail", "lose"])
@pytest.mark.parametrize("point", POINTS)
def test_a_step_that_failed_is_made_up_for_by_the_next_push(
    point: int,
    fault: Fault,
    inner: tuple[ObjectStore, str],
    make_folder: Callable[[str, int], Path],
    tmp_path: Path,
) -> None:
    folder = make_folder("first", 1)
    store = RunStore(*inner)
    faulty = FaultyStore(inner[0], fault, point)
    upload = upload_to(RunStore(faulty, inner[1]), folder, "one")

    try:
        send_all(upload, folder)
    except ExternalServiceError:
        assert not is_whole(store) or upload.missing == (MANIFEST_NAME,)
        with closing(FileJournal(folder / "journal.jsonl")) as journal:
            journal.append("after the fault")
        again = upload_to(store, folder, "one")
        again.resume()
        again.send_rest(MANIFEST)

    assert faulty.calls
    check_whole(store, folder, tmp_path / "pulled")


def test_a_push_sends_exactly_what_is_missing(
    inner: tuple[ObjectStore, str], make_folder: Callable[[str, int], Path], tmp_path: Path
) -> None:
    folder = make_folder("first", 1)
    store = RunStore(*inner)
    send_all(upload_to(store, folder, "one"), folder)
    lost = [next(result_files(folder)), "journal/000002.jsonl", MANIFEST_NAME]
    for name in lost:
        store.delete(RUN, name)
    watched = FaultyStore(inner[0])
    again = upload_to(RunStore(watched, inner[1]), folder, "one")

    again.resume()
    again.send_rest(MANIFEST)

    written = {call.split()[1] for call in watched.calls if call.startswith("write")}
    claim = store.uri_of(RUN, STARTED_NAME)
    assert written == {claim, *(store.uri_of(RUN, name) for name in lost)}
    check_whole(store, folder, tmp_path / "pulled")


def test_a_push_replaces_a_file_of_the_same_size_and_other_content(
    inner: tuple[ObjectStore, str], make_folder: Callable[[str, int], Path], tmp_path: Path
) -> None:
    folder = make_folder("first", 1)
    store = RunStore(*inner)
    (folder / "report.html").write_text("a page")
    send_all(upload_to(store, folder, "one"), folder)
    (folder / "report.html").write_text("a form")
    again = upload_to(store, folder, "one")

    again.resume()
    again.send_rest(MANIFEST)

    assert store.read(RUN, "report.html") == b"a form"
    check_whole(store, folder, tmp_path / "pulled")


def test_a_second_push_writes_nothing_but_asks_for_the_claim(
    inner: tuple[ObjectStore, str], make_folder: Callable[[str, int], Path]
) -> None:
    folder = make_folder("first", 1)
    send_all(upload_to(RunStore(*inner), folder, "one"), folder)
    before = [(info.uri, info.size, info.modified) for info in inner[0].list(inner[1])]
    again = upload_to(RunStore(*inner), folder, "one")

    again.resume()
    again.send_rest(MANIFEST)

    assert before == [(info.uri, info.size, info.modified) for info in inner[0].list(inner[1])]


@pytest.mark.parametrize("seed", range(10))
def test_of_processes_that_claim_at_once_one_owns_the_run(
    seed: int, inner: tuple[ObjectStore, str], tmp_path: Path
) -> None:
    store = RunStore(inner[0], f"{inner[1]}/{seed}")
    barrier = threading.Barrier(4)

    def claim(number: int) -> RunOwnedError | None:
        upload = upload_to(store, tmp_path, f"process-{number}")
        barrier.wait()
        try:
            upload.claim()
        except RunOwnedError as exc:
            return exc
        return None

    with ThreadPoolExecutor(4) as pool:
        errors = list(pool.map(claim, range(4)))

    (owner,) = (number for number, error in enumerate(errors) if error is None)
    assert f'"process-{owner}"'.encode() in store.read(RUN, STARTED_NAME)
    assert {(error.exit_code, error.retryable) for error in errors if error} == {(75, False)}


def test_a_container_that_the_same_task_starts_again_does_not_own_the_run(
    inner: tuple[ObjectStore, str], tmp_path: Path
) -> None:
    store = RunStore(*inner)
    upload_to(store, tmp_path, "one").claim()
    restarted = started("one") | {"process": "two"}

    with pytest.raises(RunOwnedError):
        RunUpload(store, tmp_path, restarted, timeout_s=SOON).claim()


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("fault", ["hang", "crash"])
def test_a_store_that_hangs_or_crashes_ends_the_upload_with_the_files_it_lacks(
    point: int,
    fault: Fault,
    make_folder: Callable[[str, int], Path],
) -> None:
    folder = make_folder("first", 1)
    inner = MemoryStore()
    faulty = FaultyStore(inner, fault, point)
    timeout_s = 1.0 if fault == "hang" else SOON
    store = RunStore(faulty, "memory:store")
    upload = RunUpload(store, folder, started("one"), timeout_s=timeout_s)
    (folder / "journal.jsonl").write_bytes(b"one\n")
    sender = RunSender(upload, interrupts=Interrupts(), every_s=SOON)
    sender.start()

    problem = sender.finish(MANIFEST)

    faulty.release.set()
    is_there = is_whole(RunStore(inner, "memory:store"))
    if len(faulty.calls) <= point:
        assert problem is None
        assert is_there
    else:
        assert problem is not None
        assert "memory:store/job-1/, which lacks" in problem
        assert upload.missing[-1] == MANIFEST_NAME
        assert fault != "crash" or "RuntimeError" in problem


def test_the_journal_is_in_the_store_while_the_run_goes_on(
    make_folder: Callable[[str, int], Path], eventually: Callable[[Callable[[], bool]], bool]
) -> None:
    folder = make_folder("first", 1)
    store = RunStore(MemoryStore(), "memory:store")
    sender = RunSender(upload_to(store, folder, "one"), interrupts=Interrupts(), every_s=0.01)
    sender.start()

    with closing(FileJournal(folder / "journal.jsonl")) as journal:
        journal.append("one")
        assert eventually(lambda: "journal/000001.jsonl" in store.sizes(RUN))
        journal.append("two")
    assert eventually(lambda: "journal/000002.jsonl" in store.sizes(RUN))
    (folder / MANIFEST_NAME).write_text('{"digests": {"config": "0123"}, "config_id": "v1-0"}')
    assert eventually(lambda: b"0123" in store.read(RUN, STARTED_NAME))

    assert sender.finish(MANIFEST) is None
    assert "journal/000003.jsonl" not in store.sizes(RUN)


def test_a_segment_that_lands_late_takes_no_entry_away(
    make_folder: Callable[[str, int], Path],
    eventually: Callable[[Callable[[], bool]], bool],
    tmp_path: Path,
) -> None:
    folder = make_folder("first", 1)
    inner = MemoryStore()
    store = RunStore(inner, "memory:store")
    # A look for the manifest and the claim come first.
    faulty = FaultyStore(inner, "hang", 2)
    upload = RunUpload(RunStore(faulty, "memory:store"), folder, started("one"), timeout_s=0.2)

    with closing(FileJournal(folder / "journal.jsonl")) as journal:
        journal.append("one")
        with pytest.raises(ExternalServiceError, match="did not answer"):
            upload.send_progress()
        journal.append("two")
        upload.send_rest(MANIFEST)

    faulty.release.set()
    assert eventually(
        lambda: "tradai-run-store" not in {thread.name for thread in threading.enumerate()}
    )
    check_whole(store, folder, tmp_path / "pulled")

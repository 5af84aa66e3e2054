"""Jobs of the local runner when the processes around them are killed."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from textwrap import dedent
from threading import Event

import pytest

from tradai.core import JobHandle, JobSpec, JobStatus, SecretReference, attach
from tradai.core.exceptions import ExternalServiceError
from tradai.core.testing import JobScript
from tradai.entrypoint import LocalRunner
from tradai.entrypoint._jobs.folder import JobFolder

WAITS = JobScript(lines=("launched",), waits=True)

# Submits the job of the id and the command it is given, prints the handle, and is killed.
SUBMITTER = """
    import os, signal, sys
    from tradai.core import JobSpec
    from tradai.entrypoint import LocalRunner

    folder, *command = sys.argv[1:]
    spec = JobSpec(job_id="job-1", command=tuple(command))
    print(LocalRunner(folder).submit(spec).to_json(), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""

# Follows the log of the handle it is given, from a line on.
READER = """
    import sys
    from tradai.core import JobHandle, attach

    job = attach(JobHandle.from_json(sys.argv[1]))
    for line in job.logs(after=int(sys.argv[2])):
        print(line.number, line.text)
    print(job.wait().status)
"""

# Submits a job, and is killed just before or after one of the functions on the way is called.
VICTIM = """
    import os, signal, sys
    from tradai.core import JobSpec
    from tradai.entrypoint import LocalRunner
    from tradai.entrypoint._jobs import folder, launch

    path, name, when, *command = sys.argv[1:]
    owner = launch if hasattr(launch, name) else folder.JobFolder
    function = getattr(owner, name)

    def die():
        os.kill(os.getpid(), signal.SIGKILL)

    def fatal(*args, **kwargs):
        if when == "before":
            die()
        function(*args, **kwargs)
        die()

    setattr(owner, name, fatal)
    LocalRunner(path).submit(JobSpec(job_id="job-1", command=tuple(command)))
"""

POINTS = [
    (name, when)
    for name in ("_payload", "create", "write_spec", "_launch")
    for when in ("before", "after")
]


def run_python(program: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", dedent(program), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def spec_for(script: JobScript) -> JobSpec:
    return JobSpec(job_id="job-1", command=script.command())


def supervisor_of(job: Path) -> int:
    """Return the process that holds the lock of a job."""
    held = {(job / "lock").stat().st_ino}
    for process in Path("/proc").glob("[0-9]*/fd"):
        try:
            files = {link.stat().st_ino for link in process.iterdir()}
        except OSError:
            continue
        if files & held:
            return int(process.parent.name)
    pytest.fail(f"no process holds the lock in {job}")


def test_a_job_outlives_the_process_that_submitted_it(folder: Path) -> None:
    submitted = run_python(SUBMITTER, str(folder), *WAITS.command())
    assert submitted.returncode == -signal.SIGKILL
    handle = JobHandle.from_json(submitted.stdout)

    job = attach(handle)

    assert next(job.logs()).text == "launched"
    assert job.status().status is JobStatus.RUNNING
    assert job.stop("enough").status is JobStatus.CANCELLED


def test_another_process_reads_status_and_the_rest_of_the_log(folder: Path) -> None:
    script = JobScript(lines=("one", "two", "three"), exit_code=3)
    handle = LocalRunner(folder).submit(spec_for(script))

    read = run_python(READER, handle.to_json(), "1")

    assert (read.stderr, read.stdout.splitlines()) == ("", ["2 two", "3 three", "failed"])


@pytest.mark.parametrize(("name", "when"), POINTS)
def test_a_killed_submission_is_repeated_and_launches_one_job(
    folder: Path, name: str, when: str
) -> None:
    script = JobScript(lines=("launched",))
    victim = run_python(VICTIM, str(folder), name, when, *script.command())
    assert (victim.returncode, victim.stderr) == (-signal.SIGKILL, "")
    runner = LocalRunner(folder)

    handle = runner.submit(spec_for(script))

    assert runner.wait(handle).status is JobStatus.COMPLETED
    assert [line.text for line in runner.logs(handle)] == ["launched"]
    assert list(runner.jobs()) == [handle]


@pytest.mark.parametrize("name", ["wait", "logs", "stop"])
def test_a_job_that_was_never_started_keeps_no_one_waiting(folder: Path, name: str) -> None:
    run_python(VICTIM, str(folder), "write_spec", "after", *WAITS.command())
    runner = LocalRunner(folder)
    (handle,) = runner.jobs()
    assert runner.status(handle).status is JobStatus.PENDING

    if name == "stop":
        info = runner.stop(handle, "enough")
        assert (info.status, info.started_at) == (JobStatus.CANCELLED, None)
        assert runner.submit(spec_for(WAITS)) == handle
        assert runner.status(handle) == info
    else:
        with pytest.raises(ExternalServiceError, match="submit it again"):
            _ = runner.wait(handle) if name == "wait" else list(runner.logs(handle))
        assert list(runner.logs(handle, follow=False)) == []


def test_a_job_that_was_never_started_is_stopped_while_others_look_at_it(folder: Path) -> None:
    spec = JobSpec(job_id="job-1", command=("true",))
    for attempt in range(5):
        runner, job = LocalRunner(folder / str(attempt)), JobFolder(folder / str(attempt) / "job-1")
        job.create()
        job.write_spec(spec)
        (handle,) = runner.jobs()
        is_stopped = Event()

        def look(job: JobFolder = job, is_stopped: Event = is_stopped) -> None:
            while not is_stopped.is_set():
                job.is_abandoned()

        with ThreadPoolExecutor(3) as pool:
            looks = [pool.submit(look) for _ in range(3)]
            try:
                info = runner.stop(handle, "enough")
            finally:
                is_stopped.set()

        assert [each.result() for each in looks] == [None] * 3
        assert (info.status, info.reason) == (JobStatus.CANCELLED, "it was stopped: enough")


@pytest.mark.skipif(sys.platform != "linux", reason="the lock's holder is found in /proc")
def test_a_job_whose_supervisor_is_killed_has_failed_and_is_gone(
    folder: Path,
    is_alive: Callable[[int], bool],
    eventually: Callable[[Callable[[], bool]], bool],
) -> None:
    runner = LocalRunner(folder)
    command = ("sh", "-c", "echo $$; sleep 600")
    handle = runner.submit(JobSpec(job_id="job-1", command=command))
    pid = int(next(runner.logs(handle)).text)
    assert is_alive(pid)

    os.kill(supervisor_of(folder / "job-1"), signal.SIGKILL)
    info = runner.wait(handle)

    assert (info.status, info.exit_code) == (JobStatus.FAILED, None)
    assert "supervisor" in info.reason
    assert eventually(lambda: not is_alive(pid))
    assert LocalRunner(folder).status(handle) == info
    assert runner.submit(JobSpec(job_id="job-1", command=command)) == handle
    assert len(list(runner.logs(handle))) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="the lock's holder is found in /proc")
def test_sigterm_to_the_supervisor_stops_the_job_in_good_order(folder: Path) -> None:
    runner = LocalRunner(folder)
    script = JobScript(lines=("ready",), waits=True, exit_code_when_stopped=7)
    handle = runner.submit(spec_for(script))
    next(runner.logs(handle))

    os.kill(supervisor_of(folder / "job-1"), signal.SIGTERM)
    info = runner.wait(handle)

    assert (info.status, info.exit_code) == (JobStatus.CANCELLED, 7)
    assert "SIGTERM" in info.reason


def test_nothing_that_the_job_started_outlives_it(
    folder: Path,
    is_alive: Callable[[int], bool],
    eventually: Callable[[Callable[[], bool]], bool],
) -> None:
    runner = LocalRunner(folder)
    command = ("sh", "-c", "sleep 600 & echo $!")
    handle = runner.submit(JobSpec(job_id="job-1", command=command))

    assert runner.wait(handle).status is JobStatus.COMPLETED

    (line,) = runner.logs(handle)
    # It was killed before the job ended; on a busy machine it dies a moment later.
    assert eventually(lambda: not is_alive(int(line.text)))


def test_a_supervisor_that_cannot_write_launches_nothing(folder: Path) -> None:
    runner = LocalRunner(folder)
    # A full disk would do the same.
    (folder / "job-1" / "output.log").mkdir(parents=True)

    with pytest.raises(ExternalServiceError, match="did not start"):
        runner.submit(spec_for(WAITS))

    (folder / "job-1" / "output.log").rmdir()
    handle = runner.submit(spec_for(WAITS))
    assert next(runner.logs(handle)).text == "launched"


def test_the_folder_of_a_job_holds_no_secrets(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCRIPTED_SECRET", "fake-folder-value")
    runner = LocalRunner(folder)
    handle = runner.submit(
        JobSpec(
            job_id="job-1",
            command=("sh", "-c", "test $KEY = fake-folder-val'ue'; exit $?"),
            secrets={"KEY": SecretReference("env:SCRIPTED_SECRET")},
        )
    )

    assert runner.wait(handle).exit_code == 0

    files = [path for path in (folder / "job-1").rglob("*") if path.is_file()]
    assert {path.name for path in files} == {"lock", "output.log", "spec.json", "state.json"}
    assert all(b"fake-folder-value" not in path.read_bytes() for path in files)
    assert json.loads((folder / "job-1" / "spec.json").read_text())["spec"]["secrets"] == {
        "KEY": "env:SCRIPTED_SECRET"
    }
    assert (folder / "job-1").stat().st_mode & 0o777 == 0o700


def test_a_supervisor_that_is_killed_at_its_start_has_launched_nothing(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = LocalRunner(folder)
    victim = tmp_path / "victim.py"
    victim.write_text("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    with monkeypatch.context() as patch:
        patch.setattr("tradai.entrypoint._jobs.supervisor.__file__", str(victim))
        with pytest.raises(ExternalServiceError, match="did not start"):
            runner.submit(spec_for(JobScript(lines=("launched",))))

    handle = runner.submit(spec_for(JobScript(lines=("launched",))))

    assert [line.text for line in runner.logs(handle)] == ["launched"]

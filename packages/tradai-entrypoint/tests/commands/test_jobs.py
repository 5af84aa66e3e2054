"""The commands `jobs` and `submit`, with jobs on this machine."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from tradai.core import JobHandle, JobLine, JobSpec, JobStatus
from tradai.core.testing import JobScript
from tradai.entrypoint import ExitCode, Interrupts, LocalRunner, RunManifest
from tradai.entrypoint._cli import run_command
from tradai.entrypoint._commands.jobs.logs import LinePrinter

LINES = JobScript(lines=("one", "two", "three"), exit_code=3)
WAITS = JobScript(lines=("ready",), waits=True)

# A process whose strategies wait until they are stopped.
WAITING = """
    import sys
    from tradai.entrypoint import main
    from tradai.entrypoint._commands.jobs import run_job

    run_job.PROGRAM = ("-c", '''{program}''')
    sys.exit(main())
"""
PROGRAM = """
import sys
from tradai.core import TradingMode
from tradai.entrypoint import ExitCode, StrategyEntrypoint, Verdict, main

@StrategyEntrypoint.register_handler(TradingMode.BACKTEST)
class Waiting:
    def __init__(self, entrypoint):
        self.context = entrypoint.context

    def run(self):
        print("ready", flush=True)
        self.context.interrupts.wait(60)
        ended = Verdict(exit_code=ExitCode.TERMINATED, sentence="ended in good order")
        return self.context.conclude(ended)

sys.exit(main())
"""


def call(*words: object) -> int:
    return run_command([str(word) for word in words], interrupts=Interrupts())


@pytest.fixture
def jobs(folder: Path) -> LocalRunner:
    return LocalRunner(folder)


@pytest.fixture
def on(jobs: LocalRunner) -> tuple[str, str]:
    """The flag that names the runner."""
    return "--on", jobs.uri


def submit(runner: LocalRunner, job_id: str, script: JobScript) -> JobHandle:
    return runner.submit(JobSpec(job_id=job_id, command=script.command()))


# JSON of any shape, for comparisons (ANN401).
def printed(capsys: pytest.CaptureFixture[str]) -> Any:  # noqa: ANN401
    return json.loads(capsys.readouterr().out)


def test_jobs_are_listed(
    jobs: LocalRunner, on: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("jobs", "list", *on) == 0
    assert "no jobs" in capsys.readouterr().out
    for name in ("b", "a"):
        jobs.wait(submit(jobs, name, LINES))

    assert call("jobs", "list", *on) == 0
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split() == ["job", "status", "exit", "reason"]
    assert [row.split()[:3] for row in rows] == [["a", "failed", "3"], ["b", "failed", "3"]]
    assert call("jobs", "list", "--json", *on) == 0
    assert [job["job_id"] for job in printed(capsys)] == ["a", "b"]


def test_a_job_is_shown_by_a_prefix_of_its_id(
    jobs: LocalRunner, on: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    handle = submit(jobs, "job-1", LINES)
    info = jobs.wait(handle)

    assert call("jobs", "show", "jo", *on) == 0
    assert "it ended with exit code 3" in capsys.readouterr().out
    assert call("jobs", "show", "jo", "--json", *on) == 0
    facts = printed(capsys)
    assert facts == {
        "job_id": "job-1",
        **info.to_json(),
        "runner": jobs.uri,
        "spec_digest": handle.spec_digest,
        "native_id": "",
    }


def test_a_job_is_found_by_what_was_printed_about_it(
    jobs: LocalRunner, on: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    handle = submit(jobs, "job-1", LINES)
    jobs.wait(handle)
    call("jobs", "show", "job-1", "--json", *on)

    for text in (capsys.readouterr().out, handle.to_json()):
        # The handle names its runner.
        assert call("jobs", "logs", text) == 0
        shown = capsys.readouterr()
        assert shown.out == "one\ntwo\nthree\n"
        assert shown.err == "note: log complete: 3 lines\n"


@pytest.mark.parametrize("text", ["{", "{}", '{"job_id": 3}', "{}" * 2000])
def test_text_that_is_no_handle_is_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("jobs", "show", text) == ExitCode.DATA

    assert "a job handle is not usable" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["job", "absent"])
def test_a_name_that_fits_no_single_job_is_refused(
    jobs: LocalRunner, on: tuple[str, str], name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for job_id in ("job-1", "job-2"):
        submit(jobs, job_id, LINES)

    assert call("jobs", "show", name, *on) == ExitCode.DATA

    assert repr(name) in capsys.readouterr().err


def test_the_advice_for_an_unknown_job_names_its_runner(
    on: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("jobs", "show", "nope", *on) == ExitCode.DATA

    advice = f"no job 'nope': `tradai-entrypoint jobs list --on {on[1]}` lists the jobs"
    assert advice in capsys.readouterr().err


def test_the_output_of_a_job_is_printed(
    jobs: LocalRunner, on: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    submit(jobs, "job-1", LINES)

    assert call("jobs", "logs", "job-1", "-f", *on) == 0
    assert capsys.readouterr().out == "one\ntwo\nthree\n"
    assert call("jobs", "logs", "job-1", "--after", 1, "--json", *on) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines == [{"number": 2, "text": "two"}, {"number": 3, "text": "three"}]


def test_lines_that_were_lost_are_named_where_they_are_missing(
    capfd: pytest.CaptureFixture[str],
) -> None:
    printer = LinePrinter(after=2)

    printer.print(JobLine(number=number, text=f"line {number}") for number in (3, 4, 7, 8))

    shown = capfd.readouterr()
    assert shown.out.splitlines() == ["line 3", "line 4", "line 7", "line 8"]
    assert shown.err == "note: lines missing from the log after line 4: 2\n"


def test_ctrl_c_ends_the_reading_and_not_the_job(jobs: LocalRunner, on: tuple[str, str]) -> None:
    handle = submit(jobs, "job-1", WAITS)
    command = [sys.executable, "-m", "tradai.entrypoint", "jobs", "logs", "job-1", "-f", *on]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as reading:
        assert reading.stdout is not None
        assert reading.stdout.readline() == "ready\n"

        reading.send_signal(signal.SIGINT)

    assert reading.returncode == ExitCode.INTERRUPTED
    assert jobs.status(handle).status is JobStatus.RUNNING


def test_a_job_is_stopped(
    jobs: LocalRunner, on: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    handle = submit(jobs, "job-1", WAITS)

    assert call("jobs", "stop", "job-1", "--reason", "the market is closed", *on) == 0

    assert capsys.readouterr().out == ("job-1: cancelled, it was stopped: the market is closed\n")
    assert jobs.status(handle).status is JobStatus.CANCELLED
    assert call("jobs", "stop", "job-1", "--json", *on) == 0
    assert printed(capsys)["status"] == "cancelled"


def test_a_runner_that_is_not_installed_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("jobs", "list", "--on", "no-such-runner:") == ExitCode.CONFIGURATION

    assert "use one of docker:, ecs:, local:" in capsys.readouterr().err


def test_a_submitted_run_ends_with_the_exit_code_of_the_run(
    on: tuple[str, str],
    config_file: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(config_file.parent)
    # Candles that are missing: the run is refused with or without an engine.
    words = (config_file.name, "execution.stake_amount=50", "--mode", "backtest", "--data", "no")
    code = call("run", *words, "--runs", "runs", "--run-id", "run-1")
    capfd.readouterr()

    submitted = call("submit", *words, "--runs", "runs", "--job-id", "job-1", *on)

    out, err = capfd.readouterr()
    assert "note: log complete: " in err
    first, second = (RunManifest.read(Path("runs", name)) for name in ("run-1", "job-1"))
    assert submitted == code == second.exit_code != 0
    assert (second.verdict, second.trace_id) == (first.verdict, "job-1")
    assert str(second.verdict) in out
    assert f"job:    job-1, failed, it ended with exit code {code}" in out
    # The job has printed its result itself.
    assert out.count(str(second.verdict)) == 1


def test_a_detached_run_is_found_among_the_jobs(
    jobs: LocalRunner, on: tuple[str, str], config_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("submit", config_file, "--mode", "backtest", "--runs", config_file.parent / "runs")

    assert call(*words, "--job-id", "job-1", "--detach", "--json", *on) == 0
    assert printed(capsys)["job_id"] == "job-1"
    assert call(*words, "--job-id", "job-1", "--detach", *on) == 0
    _, line = capsys.readouterr().out.splitlines()

    (handle,) = jobs.jobs()
    assert line == f"handle: {handle.to_json()}"
    assert jobs.wait(handle).status.is_terminal
    # Submitting it again adopts it, and follows it to its end.
    code = call(*words, "--job-id", "job-1", "--json", *on)
    facts = printed(capsys)
    assert code == facts["exit_code"] == facts["run"]["exit_code"] != 0
    assert facts["run"]["place"] == str(config_file.parent / "runs" / "job-1")


def test_variables_and_references_reach_the_job(
    on: tuple[str, str],
    config_file: Path,
    monkeypatch: pytest.MonkeyPatch,
    folder: Path,
) -> None:
    monkeypatch.setenv("TRADAI_LOG_LEVEL", "DEBUG")
    monkeypatch.setenv("TRADAI_RUN_DATA", "candles")
    words = ("--env", "NOTE=a=b", "--secret", "KEY=env:TRADAI_LOG_LEVEL", "--time-limit", 60)

    call("submit", config_file, "--mode", "backtest", "--job-id", "job-1", *words, "--json", *on)

    spec = json.loads((folder / "job-1" / "spec.json").read_text())["spec"]
    assert spec["environment"] == {"NOTE": "a=b", "TRADAI_LOG_LEVEL": "DEBUG"}
    assert (spec["secrets"], spec["time_limit_s"]) == ({"KEY": "env:TRADAI_LOG_LEVEL"}, 60)


def test_the_login_of_the_tracking_server_reaches_a_job_as_references(
    on: tuple[str, str], config_file: Path, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    password = "not-a-real-" + "password"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "researcher")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", password)

    call("submit", config_file, "--mode", "backtest", "--job-id", "job-1", "--json", *on)

    text = (folder / "job-1" / "spec.json").read_text()
    spec = json.loads(text)["spec"]
    assert spec["environment"] == {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9"}
    assert spec["secrets"] == {
        "MLFLOW_TRACKING_USERNAME": "env:MLFLOW_TRACKING_USERNAME",
        "MLFLOW_TRACKING_PASSWORD": "env:MLFLOW_TRACKING_PASSWORD",
    }
    assert password not in text


def test_the_paths_of_a_submitted_run_are_absolute(
    on: tuple[str, str], config_file: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(config_file.parent)
    paths = {
        "--data": "data:2025",
        "--markets": "markets.json",
        "--patch": config_file.name,
        "--runs": "runs",
    }
    words = [word for pair in paths.items() for word in pair]

    call("submit", config_file.name, "--mode", "backtest", "--job-id", "job-1", *words, *on)

    command = json.loads((folder / "job-1" / "spec.json").read_text())["spec"]["command"]
    assert command[:5] == [sys.executable, "-m", "tradai.entrypoint", "run", str(config_file)]
    for flag, path in paths.items():
        assert command[command.index(flag) + 1] == str(config_file.parent / path)


@pytest.mark.usefixtures("desk")
def test_the_alias_of_a_registry_is_pinned_to_its_version_when_a_run_is_submitted(
    on: tuple[str, str], folder: Path
) -> None:
    words = ("--mode", "backtest", "--job-id", "job-1", "--patch", "desk:other@champion")

    call("submit", "desk:trend@champion", *words, "--json", *on)

    command = json.loads((folder / "job-1" / "spec.json").read_text())["spec"]["command"]
    assert command[4] == "desk:trend@v7"
    assert command[command.index("--patch") + 1] == "desk:other@v7"


@pytest.mark.parametrize(
    "words", [("--env", "API_KEY=fake-typed-value"), ("--secret", "fake-typed-value")]
)
def test_the_value_of_a_secret_is_refused_and_not_shown(
    jobs: LocalRunner,
    on: tuple[str, str],
    config_file: Path,
    words: tuple[str, str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = call("submit", config_file, "--mode", "backtest", *words, *on)

    assert code in {ExitCode.DATA, ExitCode.CONFIGURATION}
    assert "fake-typed-value" not in capsys.readouterr().err
    assert list(jobs.jobs()) == []


def test_a_signal_to_submit_stops_the_job_in_good_order(
    jobs: LocalRunner, on: tuple[str, str], config_file: Path
) -> None:
    program = dedent(WAITING).replace("{program}", PROGRAM)
    words = ["submit", str(config_file), "--mode", "backtest", "--job-id", "job-1", *on]
    runs = ["--runs", str(config_file.parent / "runs")]
    with subprocess.Popen(
        [sys.executable, "-c", program, *words, *runs],
        stdout=subprocess.PIPE,
        text=True,
    ) as submitting:
        assert submitting.stdout is not None
        while "ready" not in submitting.stdout.readline():
            assert submitting.poll() is None

        submitting.send_signal(signal.SIGTERM)

    (handle,) = jobs.jobs()
    info = jobs.status(handle)
    assert (info.status, info.exit_code) == (JobStatus.CANCELLED, ExitCode.TERMINATED)
    assert "SIGTERM" in info.reason
    assert submitting.returncode == ExitCode.TERMINATED
    manifest = RunManifest.read(config_file.parent / "runs" / "job-1")
    assert manifest.verdict == "ended in good order"


def test_the_run_of_a_job_is_in_the_run_store(
    folder: Path, config_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = tmp_path / "store"
    words = ["submit", str(config_file), "--mode", "live", "--job-id", "job-1", "--json"]
    places = ["--runs", str(tmp_path / "runs"), "--store", str(store), "--on", f"local:{folder}"]

    code = run_command([*words, *places], interrupts=Interrupts())

    assert code == ExitCode.NOT_PERMITTED, capsys.readouterr()
    assert RunManifest.read(store / "job-1").exit_code == ExitCode.NOT_PERMITTED

"""Jobs on machines that see nothing of this one."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tradai.core import (
    Capacity,
    FileStore,
    JobInfo,
    JobSpec,
    JobStatus,
    LogDelivery,
    SecretReference,
    TradingMode,
)
from tradai.core.exceptions import ConfigurationError, NotFoundError, StorageError
from tradai.core.testing import FakeRunner
from tradai.entrypoint import (
    EntrypointSettings,
    ExitCode,
    Interrupts,
    JobSettings,
    RunManifest,
    RunRequest,
)
from tradai.entrypoint._cli import run_command
from tradai.entrypoint._commands.jobs.elsewhere import JobElsewhere
from tradai.entrypoint._commands.jobs.policy import JobPolicy
from tradai.entrypoint._commands.jobs.result import JobResult
from tradai.entrypoint._commands.jobs.run_job import JobExtras
from tradai.entrypoint._store.run_store import RunStore

# Private on purpose: the runners that need it are in adapters, which these tests do not have.

IMAGE = JobSettings(image="strategy:1")


@pytest.fixture
def store(tmp_path: Path) -> str:
    return (tmp_path / "store").as_uri()


@pytest.fixture
def workspace(config_file: Path) -> Path:
    """A configuration with a strategy, candles, market rules and a patch beside it."""
    folder = config_file.parent
    for name in ("strategies", "strategies/__pycache__", "candles"):
        (folder / name).mkdir()
    (folder / "strategies" / "demo.py").write_text("class Demo: ...\n")
    (folder / "strategies" / "__pycache__" / "demo.pyc").write_text("of this machine")
    (folder / "candles" / "BTC_USDT-5m.parquet").write_text("candles")
    (folder / "markets.json").write_text("{}")
    (folder / "patch.yaml").write_text("version: 2.0.0\n")
    return folder


def settings(workspace: Path, store: str | None, **changes: object) -> EntrypointSettings:
    values = {"mode": "backtest", "config": str(workspace / "strategy.yaml"), "store": store}
    return EntrypointSettings.model_validate(values | changes)


def spec_of(run: JobElsewhere, extras: JobExtras | None = None) -> JobSpec:
    return run.spec("job-1", extras or JobExtras())


def flag(spec: JobSpec, name: str) -> str:
    return spec.command[spec.command.index(name) + 1]


def test_every_input_of_this_machine_is_named_by_its_uri_in_the_store(
    workspace: Path, store: str
) -> None:
    request = RunRequest(
        patches=(str(workspace / "patch.yaml"),),
        overrides=("execution.stake_amount=50", "strategy.source=strategies"),
    )
    paths = {"data": str(workspace / "candles"), "markets": str(workspace / "markets.json")}
    run = JobElsewhere(settings(workspace, store, **paths), request, IMAGE, runner="docker:")

    spec = spec_of(run)
    run.bundle.send()

    assert str(workspace) not in " ".join(spec.command).replace(store, "")
    assert spec.command[:2] == ("tradai-entrypoint", "run")
    assert spec.command[3] == "execution.stake_amount=50"
    config, (source,) = spec.command[2], [w for w in spec.command if w.startswith("strategy.")]
    uris = {config, flag(spec, "--patch"), flag(spec, "--markets")}
    uris |= {f"{flag(spec, '--data')}BTC_USDT-5m.parquet"}
    uris |= {f"{source.removeprefix('strategy.source=')}demo.py"}
    files = FileStore()
    assert {info.uri for info in files.list(f"{store}/")} == uris
    assert files.read(config).data == (workspace / "strategy.yaml").read_bytes()


def test_inputs_in_a_store_stay_where_they_are(workspace: Path, store: str) -> None:
    request = RunRequest(overrides=("strategy.source=s3://bucket/strategies/",))
    run = JobElsewhere(
        settings(workspace, store, data="s3://bucket/candles/"), request, IMAGE, runner="docker:"
    )

    spec = spec_of(run)

    assert flag(spec, "--data") == "s3://bucket/candles/"
    assert "strategy.source=s3://bucket/strategies/" in spec.command
    # Only the configuration.
    assert run.bundle.send() == 1


@pytest.mark.usefixtures("desk")
def test_a_configuration_of_a_registry_brings_its_source_along_in_the_job_too(
    workspace: Path, store: str
) -> None:
    chosen = settings(workspace, store, config="desk:trend@v7", data="s3://bucket/candles/")

    run = JobElsewhere(chosen, RunRequest(), IMAGE, runner="docker:")

    spec = spec_of(run)
    assert spec.command[2] == "desk:trend@v7"
    assert not [word for word in spec.command if word.startswith("strategy.source=")]
    assert run.bundle.send() == 0


def test_a_source_of_one_file_is_named_as_a_file(workspace: Path, store: str) -> None:
    request = RunRequest(overrides=("strategy.source=strategies/demo.py",))

    spec = spec_of(JobElsewhere(settings(workspace, store), request, IMAGE, runner="docker:"))

    (source,) = (word for word in spec.command if word.startswith("strategy.source="))
    assert source.endswith("/demo.py")


def test_a_job_elsewhere_gets_the_run_by_variables_and_none_of_this_machine(
    workspace: Path, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TRADAI_INPUT_CACHE", "TRADAI_DOCKER_NETWORK", "TRADAI_JOB_IMAGE"):
        monkeypatch.setenv(name, "of this machine")
    monkeypatch.setenv("TRADAI_LOG_LEVEL", "DEBUG")
    monkeypatch.setenv("TRADAI_RUN_FOLDER", "of this machine")
    extras = JobExtras(
        environment={"NOTE": "a"}, secrets={"KEY": SecretReference("aws-sm:key")}, time_limit_s=60
    )

    spec = spec_of(
        JobElsewhere(settings(workspace, store), RunRequest(), IMAGE, runner="ecs:"), extras
    )

    assert spec.environment == {
        "NOTE": "a",
        "TRADAI_LOG_LEVEL": "DEBUG",
        "TRADAI_LOG_DELIVERY": "blocking",
        "TRADAI_RUN_ID": "job-1",
        "TRADAI_RUN_JOB_ID": "job-1",
        "TRADAI_RUN_STORE": f"{store}/",
        "TRADAI_RUN_STORE_TIMEOUT_S": "20",
    }
    assert (spec.secrets, spec.time_limit_s) == ({"KEY": "aws-sm:key"}, 60)
    # The variable is renewed for each attempt; a flag would win over it.
    assert "--run-id" not in spec.command


def test_the_same_inputs_make_the_same_job(workspace: Path, store: str) -> None:
    specs = [
        spec_of(JobElsewhere(settings(workspace, store), RunRequest(), IMAGE, runner="docker:"))
        for _ in range(2)
    ]

    assert specs[0] == specs[1]


def test_a_job_elsewhere_needs_a_store_and_an_image(workspace: Path, store: str) -> None:
    with pytest.raises(ConfigurationError, match="TRADAI_RUN_STORE") as caught:
        JobElsewhere(settings(workspace, None), RunRequest(), IMAGE, runner="docker:")
    assert "a job on docker: needs a store" in str(caught.value)

    with pytest.raises(ConfigurationError, match="TRADAI_JOB_IMAGE"):
        JobElsewhere(settings(workspace, store), RunRequest(), JobSettings(), runner="docker:")


@pytest.mark.parametrize("hidden", ["store", "inputs"])
def test_a_store_that_jobs_do_not_see_is_refused(
    hidden: str, workspace: Path, store: str, tmp_path: Path
) -> None:
    class Containers(FakeRunner):
        def can_reach(self, uri: str) -> bool:
            return not uri.startswith(hidden_uri)

    place = (tmp_path / "inputs").as_uri()
    hidden_uri = store if hidden == "store" else place
    job = JobSettings(image="strategy:1", inputs=place)
    run = JobElsewhere(settings(workspace, store), RunRequest(), job, runner="docker:")

    with pytest.raises(ConfigurationError, match=f"cannot reach the store {hidden_uri}/"):
        run.check_stores(Containers())
    run.check_stores(FakeRunner())


@pytest.mark.parametrize("command", ["submit", "sweep"])
def test_nothing_is_sent_to_a_store_that_jobs_do_not_see(
    command: str,
    workspace: Path,
    store: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    class Containers(FakeRunner):
        def can_reach(self, uri: str) -> bool:
            return uri.startswith("s3:")

    monkeypatch.setattr(
        f"tradai.entrypoint._commands.{command}.backend_for", lambda *_: Containers()
    )
    words = [command, str(workspace / "strategy.yaml"), "--store", store, "--on", "docker:"]
    words += ["--mode", "backtest"] if command == "submit" else ["--vary", "version=1.0.1"]

    with Interrupts() as interrupts:
        code = run_command([*words, "--image", "strategy:1"], interrupts=interrupts)

    assert code == 78
    assert f"jobs on docker: cannot reach the store {store}/" in capsys.readouterr().err
    assert list(FileStore().list(f"{store}/")) == []


def test_inputs_may_have_a_place_of_their_own(workspace: Path, store: str, tmp_path: Path) -> None:
    place = (tmp_path / "data").as_uri()
    job = JobSettings(image="strategy:1", inputs=place)
    run = JobElsewhere(settings(workspace, store), RunRequest(), job, runner="docker:")

    spec = spec_of(run)

    assert spec.command[2].startswith(f"{place}/")
    assert spec.environment["TRADAI_RUN_STORE"] == f"{store}/"


def test_a_missing_input_is_refused_before_anything_is_sent(workspace: Path, store: str) -> None:
    run = JobElsewhere(
        settings(workspace, store, data=str(workspace / "absent")),
        RunRequest(),
        IMAGE,
        runner="docker:",
    )

    with pytest.raises(NotFoundError, match="absent"):
        spec_of(run)

    assert list(FileStore().list(f"{store}/")) == []


def test_a_live_session_is_no_job_of_a_container(
    workspace: Path,
    store: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    runner = FakeRunner()
    monkeypatch.setattr("tradai.entrypoint._commands.submit.backend_for", lambda *_: runner)
    words = ["submit", str(workspace / "strategy.yaml"), "--mode", "live", "--on", "ecs:"]

    code = run_command([*words, "--store", store, "--image", "strategy:1"], interrupts=Interrupts())

    assert code == ExitCode.CONFIGURATION
    assert "a live session cannot be a job of ecs:" in capsys.readouterr().err
    assert list(runner.jobs()) == []
    assert list(FileStore().list(f"{store}/")) == []


@pytest.mark.parametrize("mode", list(TradingMode))
def test_policies_follow_the_mode(mode: TradingMode) -> None:
    policy = JobPolicy.of(mode)

    is_bot = mode in {TradingMode.DRY_RUN, TradingMode.LIVE}
    assert (Capacity.SPOT in policy.capacity) is not is_bot
    assert policy.capacity[-1] is Capacity.ON_DEMAND
    assert (policy.log_delivery is LogDelivery.NON_BLOCKING) is is_bot
    assert policy.may_be_reaped is (mode is not TradingMode.LIVE)
    # A run sends its folder after it was stopped, and Fargate waits two minutes at most.
    assert 20 < policy.stop_grace_s <= 120


def test_the_policies_of_the_mode_are_those_of_the_job(workspace: Path, store: str) -> None:
    for mode in ("backtest", "live"):
        run = JobElsewhere(
            settings(workspace, store, mode=mode), RunRequest(), IMAGE, runner="ecs:"
        )
        spec, policy = spec_of(run), JobPolicy.of(TradingMode(mode))
        assert spec.capacity == policy.capacity
        assert spec.log_delivery is policy.log_delivery
        assert spec.environment["TRADAI_LOG_DELIVERY"] == policy.log_delivery
        assert spec.may_be_reaped is policy.may_be_reaped
        assert spec.stop_grace_s == policy.stop_grace_s
        # A bot divides the time among the steps of its stop.
        grace = str(policy.stop_grace_s) if mode == "live" else None
        assert spec.environment.get("TRADAI_RUN_STOP_GRACE_S") == grace


def manifest(exit_code: int | None) -> RunManifest:
    return RunManifest(
        state="running" if exit_code is None else "ended",
        run_id="job-1",
        trace_id="job-1",
        mode=TradingMode.BACKTEST,
        started_at=datetime(2026, 1, 1, tzinfo=UTC),
        exit_code=exit_code,
        verdict=None if exit_code is None else "it is over",
    )


@pytest.mark.parametrize(
    ("status", "of_job", "of_run", "expected"),
    [
        (JobStatus.COMPLETED, 0, 0, 0),
        (JobStatus.FAILED, 65, 65, 65),
        (JobStatus.CANCELLED, 0, 143, 143),
        (JobStatus.CANCELLED, 137, 143, 143),
        (JobStatus.CANCELLED, None, 143, 143),
        (JobStatus.FAILED, 137, 0, 137),
        (JobStatus.FAILED, 0, 0, 70),
        (JobStatus.FAILED, None, 0, 70),
        (JobStatus.FAILED, None, None, 70),
        (JobStatus.COMPLETED, 0, None, 0),
    ],
)
def test_the_exit_code_is_that_of_the_run_and_no_failure_is_hidden(
    status: JobStatus, of_job: int | None, of_run: int | None, expected: int
) -> None:
    ended_at = datetime(2026, 1, 1, tzinfo=UTC)
    info = JobInfo(status=status, exit_code=of_job, reason="it ended", ended_at=ended_at)

    assert JobResult(place="there", manifest=manifest(of_run)).exit_code(info) == expected


def test_a_result_in_the_store_is_printed_with_its_places(
    store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = RunStore.at(store)
    runs.write("job-1", "manifest.json", manifest(0).as_json().encode())
    runs.write("job-1", "report.html", b"a page")

    result = JobResult.in_store(runs, "job-1", timeout_s=20)
    result.print()

    out = capsys.readouterr().out
    assert f"report: {store}/job-1/report.html\nrun:    {store}/job-1/\ndone:   it is over" in out
    facts = json.loads(json.dumps(result.to_json()))
    assert (facts["place"], facts["verdict"]) == (f"{store}/job-1/", "it is over")


def test_a_run_without_a_result_is_a_sentence(
    store: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = RunStore.at(store)
    result = JobResult.in_store(runs, "job-1", timeout_s=20)
    result.print()
    assert "there is no result of the run: no run at" in capsys.readouterr().err
    assert result.to_json() is None

    def refuse(*_: object) -> None:
        raise StorageError("the store is away", operation="list")

    with monkeypatch.context() as patched:
        patched.setattr(RunStore, "files", refuse)
        JobResult.in_store(runs, "job-1", timeout_s=20).print()
    assert (
        "there is no result of the run: the store is away; later: "
        f"`tradai-entrypoint runs show job-1 --store {runs.uri}`"
    ) in capsys.readouterr().err

    runs.write("job-1", "started.json", manifest(None).as_json().encode())
    JobResult.in_store(runs, "job-1", timeout_s=20).print()

    assert "has no verdict: it did not end in good order" in capsys.readouterr().err

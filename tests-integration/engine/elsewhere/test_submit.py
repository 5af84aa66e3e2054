"""Runs through `submit`, in containers of Docker and as tasks of ECS."""

import json
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from engine.conftest import Outcome
from engine.elsewhere.conftest import Cloud

COMPARED: Final = ("source", "data", "markets", "trades")
RUNNERS: Final = ("docker:", "ecs:")


@dataclass(frozen=True, kw_only=True)
class Laptop:
    """The result of a backtest on this machine, and its inputs."""

    strategy: Path
    candles: Path
    result: dict[str, Any]


@pytest.fixture
def on_laptop(tradai: Callable[..., Outcome], strategy: Path, candles: Path) -> Laptop:
    done = tradai("run", strategy, "--mode", "backtest", "--data", candles, "--json")
    return Laptop(strategy=strategy, candles=candles, result=json.loads(done.stdout))


@pytest.mark.deep
@pytest.mark.parametrize("on", RUNNERS)
def test_a_backtest_elsewhere_has_the_trades_of_the_laptop(
    on: str,
    job_id: str,
    cloud: Cloud,
    engine_image: str,
    on_laptop: Laptop,
) -> None:
    strategy, candles = on_laptop.strategy, on_laptop.candles

    done = cloud.submit(strategy, candles, on, "--job-id", job_id, "--image", engine_image)

    assert done.code == 0, done.stdout + done.stderr
    assert f"report: {cloud.store}{job_id}/report.html" in done.stdout
    here, there = on_laptop.result, cloud.manifest(job_id)
    for name in COMPARED:
        assert there["digests"][name] == here["digests"][name], name
    assert there["results"]["trades"] == here["results"]["trades"] > 0
    assert cloud.log(on, job_id).complete


@pytest.mark.usefixtures("light_image")
@pytest.mark.parametrize("on", RUNNERS)
def test_a_job_elsewhere_gets_the_inputs_of_this_machine_and_its_result_comes_back(
    on: str, job_id: str, cloud: Cloud, strategy: Path, data: Path
) -> None:
    patch = cloud.folder / "patch.yaml"
    patch.write_text("execution: {stake_amount: 50}")
    words = ("execution.stake_amount=100", "--patch", patch, "--job-id", job_id)

    done = cloud.submit(strategy, data, on, *words)

    assert done.code == 0, done.stdout + done.stderr
    assert "candles: from the laptop\n" in done.stdout
    assert f"job:    {job_id}, completed" in done.stdout
    assert f"run:    {cloud.store}{job_id}/\ndone:   the stake is 100" in done.stdout
    files = sorted(path.name for path in (strategy.parent / "strategies").iterdir())
    assert cloud.manifest(job_id)["results"]["files"] == files
    assert cloud.log(on, job_id).complete
    # The same job again is adopted, and nothing is sent or launched.
    objects = cloud.objects()
    again = cloud.submit(strategy, data, on, *words, "--json")
    assert (again.code, json.loads(again.stdout)["run"]["verdict"]) == (0, "the stake is 100")
    assert cloud.objects() == objects


@pytest.mark.usefixtures("light_image")
@pytest.mark.parametrize("on", RUNNERS)
def test_a_detached_job_is_found_again_and_has_the_exit_code_of_its_run(
    on: str, job_id: str, cloud: Cloud, strategy: Path, data: Path
) -> None:
    words = ("execution.stake_amount=60", "--job-id", job_id)

    done = cloud.submit(strategy, data, on, *words, "--detach", "--json")

    assert done.code == 0, done.stderr
    lines = cloud.run("jobs", "logs", done.stdout, "-f")
    assert "candles: from the laptop\n" in lines.stdout, lines.stderr
    shown = json.loads(cloud.run("jobs", "show", job_id, "--on", on, "--json").stdout)
    assert (shown["status"], shown["exit_code"]) == ("failed", 65)
    assert shown in json.loads(cloud.run("jobs", "list", "--on", on, "--json").stdout)
    assert cloud.submit(strategy, data, on, *words, "--json").code == 65


@pytest.mark.usefixtures("light_image")
@pytest.mark.parametrize("on", RUNNERS)
def test_ctrl_c_stops_the_job_in_good_order_and_shows_its_verdict(
    on: str, job_id: str, cloud: Cloud, strategy: Path, data: Path
) -> None:
    words = cloud.words(strategy, data, on)
    with cloud.command(*words, "execution.stake_amount=75", "--job-id", job_id) as process:
        assert process.stdout is not None
        while "candles:" not in (line := process.stdout.readline()):
            assert line, process.communicate()

        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=600)

    assert process.returncode == 143, stdout + stderr
    assert f"job:    {job_id}, cancelled, it was stopped: SIGINT" in stdout
    assert "ended in order (exit 143" in stderr
    assert cloud.manifest(job_id)["verdict"] == "ended in order"


@pytest.mark.usefixtures("light_image")
def test_a_secret_of_this_machine_is_refused_for_a_task(
    cloud: Cloud, strategy: Path, data: Path
) -> None:
    done = cloud.submit(strategy, data, "ecs:", "--secret", "KEY=env:AWS_SECRET_ACCESS_KEY")

    assert done.code == 65
    assert "a reference that the task can read, such as aws-sm:" in done.stderr
    for verb in ("list", "reap"):
        assert json.loads(cloud.run("jobs", verb, "--on", "ecs:", "--json").stdout) == []

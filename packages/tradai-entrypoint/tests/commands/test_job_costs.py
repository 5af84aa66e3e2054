"""Costs of jobs in the commands, on a runner that knows prices."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tradai.core import JobHandle, JobSpec, backend_for
from tradai.core.exceptions import ValidationError
from tradai.core.testing import FakeRunner, JobScript
from tradai.entrypoint import Interrupts
from tradai.entrypoint._cli import run_command
from tradai.entrypoint._commands.costs import SweepCost, noted

# Private on purpose: the runner with prices is in an adapter, which these tests do not have.


@dataclass(frozen=True)
class Price:
    amount: Decimal
    currency: str = "EUR"


class PricedRunner(FakeRunner):
    """A job costs a quarter once it has ended; at most two for each second of its limit."""

    def cost(self, handle: JobHandle) -> Price | None:
        job = self.memory.jobs[handle.job_id]
        return Price(Decimal("0.25")) if job.info.status.is_terminal else None

    def estimate(self, spec: JobSpec) -> Price | None:
        return None if spec.time_limit_s is None else Price(Decimal(2 * spec.time_limit_s))


Call = Callable[..., str]


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch) -> PricedRunner:
    runner = PricedRunner()

    def find(group: str, uri: str) -> object:
        return runner if group == "tradai.runners" else backend_for(group, uri)

    for module in ("jobs.list", "jobs.find", "submit"):
        monkeypatch.setattr(f"tradai.entrypoint._commands.{module}.backend_for", find)
    return runner


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    def run(*words: str) -> str:
        with Interrupts() as interrupts:
            run_command(words, interrupts=interrupts)
        return capsys.readouterr().out

    return run


@pytest.fixture
def ended(runner: PricedRunner) -> JobHandle:
    handle = runner.submit(JobSpec(job_id="ended", command=runner.command(JobScript())))
    runner.wait(handle)
    return handle


def test_a_job_is_listed_and_shown_with_its_cost(
    runner: PricedRunner, ended: JobHandle, call: Call
) -> None:
    runner.submit(JobSpec(job_id="runs", command=runner.command(JobScript(waits=True))))

    rows = call("jobs", "list", "--on", "fake:").splitlines()
    shown = call("jobs", "show", ended.job_id, "--on", "fake:")

    assert rows[0].split()[-1] == "cost"
    assert (rows[1].endswith("0.2500 EUR"), rows[2].rstrip().endswith("-")) == (True, True)
    assert "0.2500 EUR" in shown


def test_a_cost_is_exact_in_json_and_left_out_where_it_is_not_known(
    runner: PricedRunner, ended: JobHandle, call: Call
) -> None:
    runner.submit(JobSpec(job_id="runs", command=runner.command(JobScript(waits=True))))

    first, second = json.loads(call("jobs", "list", "--on", "fake:", "--json"))

    assert (first["job_id"], first["cost"]) == (
        ended.job_id,
        {"amount": "0.25", "currency": "EUR"},
    )
    assert "cost" not in second


def test_submit_shows_the_cost_before_and_after(
    runner: PricedRunner, config_file: Path, tmp_path: Path, call: Call
) -> None:
    assert list(runner.jobs()) == []
    (tmp_path / "strategies").mkdir()
    (tmp_path / "strategies" / "demo.py").write_text("class Demo: ...\n")
    words = ["submit", str(config_file), "--mode", "backtest", "--on", "fake:"]
    words += ["--store", tmp_path.as_uri(), "--image", "strategy:1", "--job-id", "job-1"]

    out = call(*words, "strategy.source=" + str(tmp_path / "strategies"), "--time-limit", "30")

    assert "cost:   at most 60.0000 EUR within its time limit\n" in out
    assert out.endswith("cost:   0.2500 EUR\n")


def test_a_runner_without_prices_shows_no_cost(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    bare = FakeRunner()
    bare.submit(JobSpec(job_id="job-1", command=bare.command(JobScript())))

    def find(*_: object) -> Any:  # noqa: ANN401 - a backend of any group
        return bare

    monkeypatch.setattr("tradai.entrypoint._commands.jobs.list.backend_for", find)

    assert "cost" not in call("jobs", "list", "--on", "fake:")


def test_the_cost_of_a_sweep_says_how_many_jobs_it_is_for(
    runner: PricedRunner, ended: JobHandle
) -> None:
    running = runner.submit(JobSpec(job_id="runs", command=runner.command(JobScript(waits=True))))

    both = SweepCost.of(runner, [ended, running])

    assert both is not None
    assert both.sentence() == "0.2500 EUR for 1 of 2 jobs"
    assert SweepCost.of(runner, [running]) is None
    twice = SweepCost.of(runner, [ended, ended])
    assert twice is not None
    assert twice.sentence() == "0.5000 EUR for 2 jobs"


def test_costs_in_several_currencies_are_not_added_and_a_note_says_so(
    runner: PricedRunner,
    ended: JobHandle,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    prices = iter([Price(Decimal(1), "USD"), Price(Decimal(2), "EUR")])
    monkeypatch.setattr(runner, "cost", lambda _: next(prices))

    cost = noted(lambda: SweepCost.of(runner, [ended, ended]))

    assert cost is None
    assert "note: the cost is not known: the jobs have costs in EUR, USD" in capsys.readouterr().err


@pytest.mark.parametrize("words", [(), ("--json",)], ids=["text", "json"])
def test_a_job_keeps_its_exit_code_when_its_price_cannot_be_found_out(
    words: tuple[str, ...],
    runner: PricedRunner,
    config_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(_: JobHandle) -> None:
        raise ValidationError("the price is odd")

    monkeypatch.setattr(runner, "cost", fail)
    (tmp_path / "strategies").mkdir()
    (tmp_path / "strategies" / "demo.py").write_text("class Demo: ...\n")
    command = ["submit", str(config_file), "--mode", "backtest", "--on", "fake:", *words]
    command += ["--store", tmp_path.as_uri(), "--image", "strategy:1", "--job-id", "job-1"]

    with Interrupts() as interrupts:
        code = run_command(
            [*command, "strategy.source=" + str(tmp_path / "strategies")], interrupts=interrupts
        )

    shown = capsys.readouterr()
    # That of the job: the program is not there.
    assert code == 127
    assert "note: the cost is not known: the price is odd" in shown.err


def test_a_job_is_submitted_when_its_estimate_cannot_be_made(
    runner: PricedRunner,
    config_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(_: JobSpec) -> None:
        raise ValidationError("the price is odd")

    monkeypatch.setattr(runner, "estimate", fail)
    (tmp_path / "strategies").mkdir()
    (tmp_path / "strategies" / "demo.py").write_text("class Demo: ...\n")
    command = ["submit", str(config_file), "--mode", "backtest", "--on", "fake:", "--detach"]
    command += ["--store", tmp_path.as_uri(), "--image", "strategy:1", "--job-id", "job-1"]

    with Interrupts() as interrupts:
        code = run_command(
            [*command, "strategy.source=" + str(tmp_path / "strategies")], interrupts=interrupts
        )

    shown = capsys.readouterr()
    assert (code, [handle.job_id for handle in runner.jobs()]) == (0, ["job-1"])
    assert "note: the cost is not known: the price is odd" in shown.err
    assert "handle: " in shown.out


def test_a_job_is_shown_with_one_look_at_its_price(
    runner: PricedRunner, ended: JobHandle, monkeypatch: pytest.MonkeyPatch, call: Call
) -> None:
    looks: list[str] = []

    def cost(handle: JobHandle) -> Price:
        looks.append(handle.job_id)
        return Price(Decimal("0.25"))

    monkeypatch.setattr(runner, "cost", cost)

    call("jobs", "show", ended.job_id, "--on", "fake:")

    assert looks == [ended.job_id]


@pytest.mark.parametrize("words", [("list",), ("show", "ended")], ids=["list", "show"])
def test_jobs_are_shown_without_a_price_that_cannot_be_found_out(
    words: tuple[str, ...],
    runner: PricedRunner,
    ended: JobHandle,
    monkeypatch: pytest.MonkeyPatch,
    call: Call,
) -> None:
    def fail(_: JobHandle) -> None:
        raise ValidationError("the price is odd")

    monkeypatch.setattr(runner, "cost", fail)

    shown = call("jobs", *words, "--on", "fake:")

    assert ended.job_id in shown
    assert "EUR" not in shown

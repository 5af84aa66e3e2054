"""Launch records are read as they were written, and what cannot be read is said."""

import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Final

import pytest

from tradai.aws import EcsPolicy, EcsRunner, EcsSettings, PriceTable, TotalCost
from tradai.aws.testing import FakeEcs, TaskScript
from tradai.core import Capacity, JobHandle, JobSpec, MemoryStore
from tradai.core.exceptions import StorageError

SPEC: Final = JobSpec(job_id="job-1", command=("run",), image="registry.invalid/job")
RECORD: Final = "memory:jobs/tradai/records/job-1.json"
PRICES: Final = PriceTable.model_validate(
    {
        "currency": "USD",
        "on_demand": {"linux/amd64": {"vcpu_hour": "3600", "gib_hour": "0", "disk_gib_hour": "0"}},
    }
)


def test_another_process_reads_the_whole_record(
    new_runner: Callable[[], EcsRunner], ecs: FakeEcs, store: MemoryStore
) -> None:
    runner = new_runner()
    handle = runner.submit(SPEC)
    info = runner.stop(handle, "enough")

    kept = json.loads(store.read(RECORD).data)

    assert kept["task_arn"] == ecs.tasks[0].arn
    assert kept["stop"]["reason"] == "enough"
    assert new_runner().status(handle) == info


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"schema": 2}', b"\xff"])
def test_a_record_of_another_version_is_refused_and_kept(
    content: bytes, new_runner: Callable[[], EcsRunner], store: MemoryStore, ecs: FakeEcs
) -> None:
    store.write(RECORD, content)

    with pytest.raises(StorageError, match=r"job-1\.json"):
        new_runner().submit(SPEC)

    assert store.read(RECORD).data == content
    assert ecs.tasks == []


def test_a_record_that_cannot_be_read_hides_no_other_job(
    new_runner: Callable[[], EcsRunner], store: MemoryStore, caplog: pytest.LogCaptureFixture
) -> None:
    handles = [new_runner().submit(replace(SPEC, job_id=name)) for name in ("job-0", "job-2")]
    store.write(RECORD, b"{}")

    assert list(new_runner().jobs()) == handles
    (warning,) = caplog.records
    assert "job-1.json: it is not a record of this version" in warning.getMessage()


def test_a_later_version_may_add_facts(
    new_runner: Callable[[], EcsRunner], store: MemoryStore
) -> None:
    handle = new_runner().submit(SPEC)
    kept = json.loads(store.read(RECORD).data)
    store.write(RECORD, json.dumps(kept | {"colour": "green"}).encode())

    assert new_runner().submit(SPEC) == handle


def test_each_stopped_task_has_its_cost(ecs_settings: EcsSettings, store: MemoryStore) -> None:
    ecs = FakeEcs(lambda _: TaskScript(runs_s=118.5))
    runner = EcsRunner(ecs_settings, client=ecs, store=store, clock=ecs.clock)
    handle = runner.submit(SPEC)
    assert runner.costs(handle, PRICES) == []
    runner.wait(handle)

    (cost,) = runner.costs(JobHandle.from_json(handle.to_json()), PRICES)

    # Half of the start, the program and the stop: 1.5, 118.5 and 2 seconds of one processor.
    assert (cost.seconds, cost.capacity) == (122, Capacity.ON_DEMAND)
    assert cost.amount == 122
    assert runner.costs(handle, None)[0].amount is None


def test_a_job_has_one_cost_by_the_prices_of_the_environment(
    ecs_settings: EcsSettings, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    ecs = FakeEcs(lambda _: TaskScript(runs_s=118.5))
    monkeypatch.setenv("ECS_PRICES", PRICES.model_dump_json())
    runner = EcsRunner(ecs_settings, client=ecs, store=store, clock=ecs.clock)
    spec = replace(SPEC, time_limit_s=600, stop_grace_s=30)
    handle = runner.submit(spec)
    assert runner.cost(handle) is None
    runner.wait(handle)

    cost, estimate = runner.cost(handle), runner.estimate(spec)

    assert cost == TotalCost(amount=Decimal(122), currency="USD")
    assert estimate == TotalCost(amount=Decimal(630), currency="USD")
    assert runner.estimate(SPEC) is None
    monkeypatch.delenv("ECS_PRICES")
    bare = EcsRunner(ecs_settings, client=ecs, store=store, clock=ecs.clock)
    assert (bare.cost(handle), bare.estimate(spec)) == (None, None)


def test_each_attempt_counts_in_the_estimate(
    ecs_settings: EcsSettings, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    ecs = FakeEcs()
    monkeypatch.setenv("ECS_PRICES", PRICES.model_dump_json())
    policy = EcsPolicy(attempts=3)
    runner = EcsRunner(ecs_settings, client=ecs, store=store, clock=ecs.clock, policy=policy)

    estimate = runner.estimate(replace(SPEC, time_limit_s=600, stop_grace_s=30))

    assert estimate == TotalCost(amount=Decimal(3 * 630), currency="USD")

"""Costs: from the operator's prices and exact amounts, and never from a price built in."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, strategies as st

from tradai.aws import Cost, EcsPriceSettings, PriceTable, actual_cost, estimate_cost
from tradai.core import Capacity, JobPlatform, JobSpec
from tradai.core.exceptions import ConfigurationError

SPEC = JobSpec(job_id="job-1", command=("run",), cpu_units=2048, memory_mib=8192, disk_gib=120)
# Not AWS's prices: round ones.
PRICES = PriceTable.model_validate(
    {
        "currency": "EUR",
        "on_demand": {
            "linux/amd64": {"vcpu_hour": "1", "gib_hour": "0.1", "disk_gib_hour": "0.001"},
            "linux/arm64": {"vcpu_hour": "0.8", "gib_hour": "0.08", "disk_gib_hour": "0.001"},
        },
        "spot": {"linux/amd64": {"vcpu_hour": "0.3", "gib_hour": "0.03", "disk_gib_hour": "0.001"}},
    }
)
START = datetime(2026, 11, 29, 12, tzinfo=UTC)


def _task(seconds: float, **changes: object) -> dict[str, Any]:
    return {
        "cpu": "2048",
        "memory": "8192",
        "ephemeralStorage": {"sizeInGiB": 120},
        "capacityProviderName": "FARGATE",
        "attributes": [{"name": "ecs.cpu-architecture", "value": "x86_64"}],
        "startedAt": START + timedelta(seconds=20),
        "pullStartedAt": START,
        "stoppedAt": START + timedelta(seconds=seconds),
        **changes,
    }


def _actual(seconds: float, **changes: object) -> Cost:
    cost = actual_cost(_task(seconds, **changes), PRICES)
    assert cost is not None
    return cost


def test_an_estimate_has_processors_memory_and_the_disk_above_20_gib() -> None:
    cost = estimate_cost(SPEC, PRICES, seconds=7200)

    amounts = [int(amount) for amount in (cost.vcpu_s, cost.gib_s, cost.disk_gib_s)]
    assert amounts == [14_400, 57_600, 720_000]
    assert cost.amount == Decimal(4) + Decimal("1.6") + Decimal("0.2")
    assert cost.sentence == "5.8000 EUR (7200 s, on-demand)"


def test_disk_up_to_20_gib_costs_nothing() -> None:
    for disk in (None, 1, 20):
        assert estimate_cost(replace(SPEC, disk_gib=disk), PRICES, seconds=60).disk_gib_s == 0


def test_an_estimate_is_for_the_dearest_capacity_of_the_ladder() -> None:
    ladder = replace(SPEC, capacity=(Capacity.SPOT, Capacity.ON_DEMAND))
    spot = replace(SPEC, capacity=(Capacity.SPOT,))

    assert estimate_cost(ladder, PRICES, seconds=60).capacity is Capacity.ON_DEMAND
    assert estimate_cost(spot, PRICES, seconds=60).capacity is Capacity.SPOT


def test_a_kind_of_capacity_without_prices_leaves_the_estimate_open() -> None:
    only_spot = PriceTable(currency="EUR", spot=PRICES.spot)
    ladder = replace(SPEC, capacity=(Capacity.SPOT, Capacity.ON_DEMAND))

    assert estimate_cost(ladder, only_spot, seconds=60).amount is None


@pytest.mark.parametrize("prices", [None, PriceTable(currency="EUR")])
def test_without_a_price_there_is_no_figure_and_the_reason_is_said(
    prices: PriceTable | None,
) -> None:
    for cost in (estimate_cost(SPEC, prices, seconds=60), actual_cost(_task(60), prices)):
        assert cost is not None
        assert (cost.amount, cost.currency) == (None, "")
        assert cost.vcpu_s == 120
        assert cost.sentence == "not known: ECS_PRICES has no prices for on-demand on linux/amd64"


def test_a_task_costs_from_the_pull_of_its_image_to_its_stop() -> None:
    cost = _actual(3600)

    assert cost.seconds == 3600
    assert cost.amount == Decimal(2) + Decimal("0.8") + Decimal("0.1")


def test_a_task_without_the_time_of_its_pull_costs_from_its_start() -> None:
    assert _actual(3620, pullStartedAt=None).seconds == 3600


@pytest.mark.parametrize(
    ("seconds", "billed"), [(0, 60), (59.2, 60), (60, 60), (60.001, 61), (90, 90)]
)
def test_each_second_is_billed_and_at_least_a_minute(seconds: float, billed: int) -> None:
    assert _actual(seconds).seconds == billed


@pytest.mark.parametrize(
    ("changes", "capacity", "platform"),
    [
        ({}, Capacity.ON_DEMAND, JobPlatform.LINUX_AMD64),
        ({"capacityProviderName": "FARGATE_SPOT"}, Capacity.SPOT, JobPlatform.LINUX_AMD64),
        (
            {"attributes": [{"name": "ecs.cpu-architecture", "value": "arm64"}]},
            Capacity.ON_DEMAND,
            JobPlatform.LINUX_ARM64,
        ),
        ({"attributes": None}, Capacity.ON_DEMAND, JobPlatform.LINUX_AMD64),
    ],
)
def test_a_task_says_its_capacity_and_its_platform(
    changes: dict[str, object], capacity: Capacity, platform: JobPlatform
) -> None:
    cost = _actual(60, **changes)

    assert (cost.capacity, cost.platform) == (capacity, platform)
    prices = PRICES.of(capacity, platform)
    assert prices
    assert cost.amount == (2 * prices.vcpu_hour + 8 * prices.gib_hour + Decimal("0.1")) / 60


@pytest.mark.parametrize(
    "changes",
    [{"stoppedAt": None}, {"pullStartedAt": None, "startedAt": None}],
    ids=["running", "never placed"],
)
def test_a_task_that_is_not_over_or_never_had_a_host_has_no_cost(
    changes: dict[str, object],
) -> None:
    assert actual_cost(_task(60, **changes), PRICES) is None


@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_more_time_never_costs_less(one: float, other: float) -> None:
    shorter, longer = sorted((one, other))
    less, more = (estimate_cost(SPEC, PRICES, seconds=time).amount for time in (shorter, longer))

    assert less is not None
    assert more is not None
    assert less <= more


def test_prices_come_from_one_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    assert EcsPriceSettings.load().prices is None

    monkeypatch.setenv("ECS_PRICES", json.dumps(PRICES.model_dump(mode="json")))

    assert EcsPriceSettings.load().prices == PRICES


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"currency": "euro"}, "currency"),
        ({"on_demand": {"linux/riscv": {}}}, "on_demand"),
        ({"spot": {"linux/amd64": {"vcpu_hour": "-1"}}}, "vcpu_hour"),
    ],
)
def test_a_price_table_that_is_not_one_is_refused(
    change: dict[str, object], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ECS_PRICES", json.dumps({"currency": "EUR", **change}))

    with pytest.raises(ConfigurationError, match="ECS_PRICES") as caught:
        EcsPriceSettings.load()

    assert words in str(caught.value)

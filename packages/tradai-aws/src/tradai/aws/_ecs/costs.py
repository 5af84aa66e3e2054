"""Cost of a job on Fargate, by the prices of the operator; no price is built in."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, final

from pydantic import BaseModel, ConfigDict, Field
from pydantic_settings import SettingsConfigDict

from tradai.aws._ecs.task_definition import FREE_DISK_GIB, fargate_size
from tradai.core import BaseSettings, Capacity, JobPlatform, JobSpec

# https://aws.amazon.com/fargate/pricing/ bills each second from the start of the pull, at least 60.
_FEWEST_S: Final = 60
_HOUR_S: Final = 3600
_CPU_UNITS: Final = 1024
_MIB: Final = 1024
_SPOT_PROVIDER: Final = "FARGATE_SPOT"
_ARCHITECTURE: Final = "ecs.cpu-architecture"
_PLATFORMS: Final = {"x86_64": JobPlatform.LINUX_AMD64, "arm64": JobPlatform.LINUX_ARM64}


@final
class FargatePrices(BaseModel):
    """Prices of one kind of capacity on one platform, each for an hour.

    Attributes:
        vcpu_hour: Price of a whole processor.
        gib_hour: Price of a GiB of memory.
        disk_gib_hour: Price of a GiB of disk above the 20 GiB that every task has.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    vcpu_hour: Decimal = Field(ge=0)
    gib_hour: Decimal = Field(ge=0)
    disk_gib_hour: Decimal = Field(ge=0)


@final
class PriceTable(BaseModel):
    """Prices of Fargate in one region and currency.

    Attributes:
        currency: Such as ``USD``.
        on_demand: Prices on demand, by platform.
        spot: Prices on Spot, by platform.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    currency: str = Field(pattern="^[A-Z]{3}$")
    on_demand: Mapping[JobPlatform, FargatePrices] = {}
    spot: Mapping[JobPlatform, FargatePrices] = {}

    def of(self, capacity: Capacity, platform: JobPlatform) -> FargatePrices | None:
        """Return the prices of a kind of capacity; None where the table has none."""
        return (self.spot if capacity is Capacity.SPOT else self.on_demand).get(platform)


@final
class EcsPriceSettings(BaseSettings):
    """Prices of ECS jobs. Without them, no cost is shown.

    Attributes:
        prices: Prices of the region, as JSON, such as ``{"currency": "USD", "on_demand":
            {"linux/amd64": {"vcpu_hour": "0.04", "gib_hour": "0.004", "disk_gib_hour": "0"}}}``.
    """

    model_config = SettingsConfigDict(env_prefix="ECS_")

    prices: PriceTable | None = None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Amounts that a task uses, and their price.

    Attributes:
        seconds: Seconds that AWS bills.
        vcpu_s: Seconds of a whole processor.
        gib_s: Seconds of a GiB of memory.
        disk_gib_s: Seconds of a GiB of disk above 20 GiB.
        capacity: Kind of capacity.
        platform: Platform of the task.
        amount: Price of it all; None without prices for it.
        currency: Currency of the amount; empty without one.
    """

    seconds: int
    vcpu_s: Decimal
    gib_s: Decimal
    disk_gib_s: Decimal
    capacity: Capacity
    platform: JobPlatform
    amount: Decimal | None
    currency: str

    @property
    def sentence(self) -> str:
        """The price, or why there is none."""
        if self.amount is None:
            return f"not known: ECS_PRICES has no prices for {self.capacity} on {self.platform}"
        return f"{self.amount:.4f} {self.currency} ({self.seconds} s, {self.capacity})"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class TotalCost:
    """Price of a whole job.

    Attributes:
        amount: Price.
        currency: Currency of the amount.
    """

    amount: Decimal
    currency: str


def total_cost(costs: Sequence[Cost]) -> TotalCost | None:
    """Return the sum of `costs`; None when there are none, or an amount is not known."""
    amounts = [cost.amount for cost in costs if cost.amount is not None]
    if not costs or len(amounts) < len(costs):
        return None
    return TotalCost(amount=sum(amounts, start=Decimal()), currency=costs[0].currency)


def estimate_cost(spec: JobSpec, prices: PriceTable | None, *, seconds: float) -> Cost:
    """Return what a job costs that runs for `seconds`, on the dearest capacity it may get.

    Args:
        spec: The job.
        prices: Prices; None when there are none.
        seconds: Time from the pull of the image to the end, such as the job's time limit.

    Raises:
        ValidationError: Fargate has no task of this size.
    """
    cpu, memory = fargate_size(spec)
    platform = spec.platform or JobPlatform.LINUX_AMD64
    size = (cpu, memory, spec.disk_gib or FREE_DISK_GIB)
    costs = [_cost(size, seconds, (kind, platform), prices) for kind in spec.capacity]
    # An amount that is not known may be the largest.
    return max(costs, key=lambda cost: math.inf if cost.amount is None else cost.amount)


def actual_cost(task: Mapping[str, Any], prices: PriceTable | None) -> Cost | None:
    """Return what a stopped task cost; None when it never got a host.

    Args:
        task: The task as DescribeTasks of boto3 describes it.
        prices: Prices; None when there are none.
    """
    start, end = task.get("pullStartedAt") or task.get("startedAt"), task.get("stoppedAt")
    if not isinstance(start, datetime) or not isinstance(end, datetime):
        return None
    storage = task.get("ephemeralStorage") or {}
    size = (int(task["cpu"]), int(task["memory"]), storage.get("sizeInGiB", FREE_DISK_GIB))
    is_spot = task.get("capacityProviderName") == _SPOT_PROVIDER
    kind = Capacity.SPOT if is_spot else Capacity.ON_DEMAND
    return _cost(size, (end - start).total_seconds(), (kind, _platform(task)), prices)


def _platform(task: Mapping[str, Any]) -> JobPlatform:
    attributes = {item["name"]: item.get("value") for item in task.get("attributes") or ()}
    return _PLATFORMS.get(attributes.get(_ARCHITECTURE) or "", JobPlatform.LINUX_AMD64)


def _cost(
    size: tuple[int, int, int],
    seconds: float,
    kind: tuple[Capacity, JobPlatform],
    prices: PriceTable | None,
) -> Cost:
    cpu, memory, disk = size
    billed = max(_FEWEST_S, math.ceil(seconds))
    amounts = (
        Decimal(cpu * billed) / _CPU_UNITS,
        Decimal(memory * billed) / _MIB,
        Decimal(max(0, disk - FREE_DISK_GIB) * billed),
    )
    found = prices and prices.of(*kind)
    return Cost(
        seconds=billed,
        vcpu_s=amounts[0],
        gib_s=amounts[1],
        disk_gib_s=amounts[2],
        capacity=kind[0],
        platform=kind[1],
        amount=_price(amounts, found) if found else None,
        currency=prices.currency if prices and found else "",
    )


def _price(amounts: tuple[Decimal, Decimal, Decimal], prices: FargatePrices) -> Decimal:
    hourly = (prices.vcpu_hour, prices.gib_hour, prices.disk_gib_hour)
    total = sum(
        (amount * price for amount, price in zip(amounts, hourly, strict=True)), start=Decimal()
    )
    return total / _HOUR_S

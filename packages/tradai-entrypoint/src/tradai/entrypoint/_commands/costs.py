"""Costs of jobs, on runners that know prices, such as `tradai.aws.EcsRunner`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol, Self, TypeVar, final, runtime_checkable

from tradai.core import JobHandle, JobRunner, JobSpec, JsonValue, redact
from tradai.core.exceptions import TradAIError, ValidationError
from tradai.entrypoint._commands.console import print_text

_Cost = TypeVar("_Cost")


class JobCost(Protocol):
    """Price of a job, such as `tradai.aws.TotalCost`."""

    @property
    def amount(self) -> Decimal:
        """Amount of money."""
        ...

    @property
    def currency(self) -> str:
        """Currency of the amount."""
        ...


@runtime_checkable
class PricedRunner(Protocol):
    """A job runner whose jobs cost money."""

    def cost(self, handle: JobHandle) -> JobCost | None:
        """Return what a job cost that has ended; None where that is not known."""
        ...

    def estimate(self, spec: JobSpec) -> JobCost | None:
        """Return what a job costs at most; None where that is not known."""
        ...


def cost_of(runner: JobRunner, handle: JobHandle) -> JobCost | None:
    """Return what a job cost; None where that is not known."""
    return runner.cost(handle) if isinstance(runner, PricedRunner) else None


def estimate_of(runner: JobRunner, spec: JobSpec) -> JobCost | None:
    """Return what a job costs at most; None where that is not known."""
    return runner.estimate(spec) if isinstance(runner, PricedRunner) else None


def noted(find: Callable[[], _Cost | None]) -> _Cost | None:
    """Return the cost that `find` finds; after an error print a note, and return None."""
    try:
        return find()
    except TradAIError as exc:
        reason = str(exc)
    # A runner may be third-party code, and a price must not replace the result of the work.
    except Exception as exc:  # noqa: BLE001
        reason = f"the runner failed with {type(exc).__name__}: {exc}"
    print_text(f"note: the cost is not known: {redact(reason)}", is_error=True)
    return None


def cost_text(cost: JobCost) -> str:
    """Return the amount with its currency."""
    return f"{cost.amount:.4f} {cost.currency}"


def cost_json(cost: JobCost) -> dict[str, JsonValue]:
    """Return the amount, as exact text, and its currency."""
    return {"amount": f"{cost.amount:f}", "currency": cost.currency}


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class SweepCost:
    """Sum of the costs of jobs, as far as they are known.

    Attributes:
        amount: The sum.
        currency: Its currency.
        known: Number of jobs whose cost is known.
        jobs: Number of jobs.
    """

    amount: Decimal
    currency: str
    known: int
    jobs: int

    @classmethod
    def of(cls, runner: JobRunner, handles: Sequence[JobHandle]) -> Self | None:
        """Return the sum for the jobs `handles`; None where no cost is known.

        Raises:
            ValidationError: The costs are in several currencies.
        """
        costs = [cost for handle in handles if (cost := cost_of(runner, handle)) is not None]
        if not costs:
            return None
        currencies = sorted({cost.currency for cost in costs})
        if len(currencies) > 1:
            expected = "costs in one currency"
            message = f"the jobs have costs in {', '.join(currencies)}: expected {expected} to add"
            raise ValidationError(message, field="currency", expected=expected)
        return cls(
            amount=sum((cost.amount for cost in costs), start=Decimal()),
            currency=costs[0].currency,
            known=len(costs),
            jobs=len(handles),
        )

    def sentence(self) -> str:
        """Return the sum, and the number of jobs that it is for."""
        of_all = "" if self.known == self.jobs else f" of {self.jobs}"
        return f"{cost_text(self)} for {self.known}{of_all} jobs"

"""The report of a stop: its steps, the orders it changed, and whether the books agree."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import final

from tradai.core import JsonValue
from tradai.core.live import OrderPolicy
from tradai.entrypoint._live._account.account import ExchangeOrder
from tradai.entrypoint._live._account.reconcile import Reconciliation
from tradai.entrypoint._live._drain.budget import StopStep
from tradai.entrypoint._process.exit_codes import ExitCode, Verdict


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class DrainStep:
    """A step that was done: its outcome in words, and the seconds it took."""

    step: StopStep
    outcome: str
    seconds: float


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class DrainReport:
    """The stop of a live session.

    Attributes:
        policy: Order policy of the session.
        steps: Steps in the order in which they were done.
        cancelled: Last states of the orders that the policy cancelled or found ended.
        closings: Orders that closed positions.
        left: Open orders of ours after the stop.
        left_positions: Amounts of the positions that are still open, by pair.
        unprotected: Pairs of positions that had a stop, and have none.
        reconciliation: Differences between exchange and database; None when one of them could not
            be read.
        problems: A sentence for each thing that a person must look at.
    """

    policy: OrderPolicy
    steps: tuple[DrainStep, ...]
    cancelled: tuple[ExchangeOrder, ...]
    closings: tuple[ExchangeOrder, ...]
    left: tuple[ExchangeOrder, ...]
    left_positions: Mapping[str, Decimal]
    unprotected: tuple[str, ...]
    reconciliation: Reconciliation | None
    problems: tuple[str, ...]

    @property
    def seconds(self) -> float:
        """Time of the whole stop."""
        return sum(step.seconds for step in self.steps)

    @property
    def verdict(self) -> Verdict:
        """Success when nothing is left to a person; else a mismatch that names the first thing."""
        if not self.problems:
            sentence = f"trading stopped by the policy {self.policy}, and the books agree"
            return Verdict(exit_code=ExitCode.DONE, sentence=sentence)
        more = len(self.problems) - 1
        others = f" (and {more} more: see drain in manifest.json)" if more else ""
        return Verdict(
            exit_code=ExitCode.MISMATCH,
            sentence=f"after the stop, {self.problems[0]}{others}: look at the account before "
            "the next start",
        )

    @property
    def remainder(self) -> str:
        """Sentence about what stays at the exchange."""
        rows = [open_orders_text(len(self.left))] if self.left else []
        rows += [f"{held:f} {pair}" for pair, held in self.left_positions.items()]
        return f"left at the exchange: {', '.join(rows)}" if rows else "nothing is left open"

    def to_json(self) -> dict[str, JsonValue]:
        """Return the report for the manifest."""
        found = self.reconciliation or Reconciliation()
        return {
            "policy": self.policy.value,
            "seconds": round(self.seconds, 3),
            "steps": [
                {"step": row.step.value, "outcome": row.outcome, "seconds": round(row.seconds, 3)}
                for row in self.steps
            ],
            "cancelled": _ids(self.cancelled),
            "closings": _ids(self.closings),
            "left": _ids(self.left),
            "left_positions": {pair: f"{held:f}" for pair, held in self.left_positions.items()},
            "unprotected": list(self.unprotected),
            "lost": _ids(found.lost),
            "behind": _ids(found.behind),
            "other_clients": _ids(found.strangers),
            "is_reconciled": self.reconciliation is not None and not found.problems,
            "problems": list(self.problems),
        }


def _ids(orders: Sequence[ExchangeOrder]) -> list[JsonValue]:
    return [
        {
            "symbol": order.symbol,
            "order_id": order.order_id,
            "client_order_id": order.client_order_id,
            "side": order.side,
            "status": order.status.value,
            "amount": f"{order.amount:f}",
            "filled": f"{order.filled:f}",
        }
        for order in orders
    ]


def open_orders_text(number: int) -> str:
    """Return a number of open orders for people.

    >>> open_orders_text(1), open_orders_text(2)
    ('1 open order', '2 open orders')
    """
    return f"{number} open order{'' if number == 1 else 's'}"

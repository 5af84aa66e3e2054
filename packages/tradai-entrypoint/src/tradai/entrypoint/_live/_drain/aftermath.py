"""The state after a stop: orders and positions that are left, and whether the books agree."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import final

from tradai.core.live import OrderPolicy
from tradai.entrypoint._live._account.account import ExchangeOrder
from tradai.entrypoint._live._account.booked_order import BookedOrder
from tradai.entrypoint._live._account.books import compare_books
from tradai.entrypoint._live._account.reconcile import Reconciliation, order_key
from tradai.entrypoint._live._account.traded_account import TradedAccount
from tradai.entrypoint._live._drain.order_changes import OrderChanges
from tradai.entrypoint._live._drain.order_policy import PolicyOutcome, is_ended_by


@final
class Aftermath:
    """Orders, positions and books after the order policy.

    Attributes:
        left: Open orders of ours.
        positions: Amounts that are still held, by pair.
        reconciliation: Differences of the books; None while they were not compared.
    """

    def __init__(
        self,
        account: TradedAccount,
        *,
        before: Sequence[ExchangeOrder],
        outcome: PolicyOutcome,
        changes: OrderChanges,
    ) -> None:
        """Begin with the open orders `before` the policy, and its `outcome`."""
        self._account = account
        self._outcome = outcome
        self._changes = changes
        self._pairs_with_stop = {
            account.pair_of(each) for each in before if self._is_our_stop(each)
        }
        self.left: tuple[ExchangeOrder, ...] | None = None
        self.positions: Mapping[str, Decimal] = {}
        self.reconciliation: Reconciliation | None = None

    def take(self, snapshot: Sequence[ExchangeOrder]) -> None:
        """Note the open orders of the account."""
        self.left = tuple(order for order in snapshot if self._account.owns(order))

    def compare(self, snapshot: Sequence[ExchangeOrder], booked: Sequence[BookedOrder]) -> None:
        """Compare the books, and see which positions are left.

        Raises:
            ExternalServiceError: The exchange did not answer.
        """
        seen = (*self._outcome.ended, *self._outcome.closings, *snapshot)
        self.reconciliation = compare_books(self._account, seen, booked)
        self._pairs_with_stop |= {order.pair for order in booked if order.is_stop and order.is_open}
        self.positions = self.reconciliation.positions

    def unprotected(self, *, is_required: bool) -> tuple[str, ...]:
        """Return the pairs of positions without a stop that had one, or are to have one."""
        protected = {
            self._account.pair_of(order) for order in self.left or () if self._is_our_stop(order)
        }
        return tuple(
            pair
            for pair in self.positions
            if pair not in protected and (is_required or pair in self._pairs_with_stop)
        )

    def problems(self, policy: OrderPolicy, unprotected: Sequence[str]) -> Iterator[str]:
        """Yield a sentence for each thing that a person must look at."""
        if self.reconciliation is not None:
            yield from self.reconciliation.problems
            yield from self._stops_without_position()
        yield from (f"the position in {pair} is left without its stop" for pair in unprotected)
        yield from self._changes.problems
        yield from self._orders_not_ended(policy)
        if policy is OrderPolicy.FLATTEN:
            for pair, amount in self.positions.items():
                yield f"the position in {pair} is not closed: {amount:f} are left"

    def _stops_without_position(self) -> Iterator[str]:
        for order in self.left or ():
            if self._is_our_stop(order) and self._account.pair_of(order) not in self.positions:
                yield f"the stop {order.order_id} on {order.symbol} protects no position"

    def _orders_not_ended(self, policy: OrderPolicy) -> Iterator[str]:
        failures = self._changes.uncancelled
        if self.left is None:
            yield from failures.values()
            return
        for order in self.left:
            key = order_key(order, self._account.pair_of)
            if key in failures:
                yield failures[key]
            elif is_ended_by(policy, order):
                yield f"the {order.side} order {order.order_id} on {order.symbol} is still open"

    def _is_our_stop(self, order: ExchangeOrder) -> bool:
        return order.is_stop and self._account.owns(order)

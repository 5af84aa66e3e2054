"""Cancel and place orders until each outcome is known, or the time of the step is over."""

from collections.abc import Callable
from typing import Final, TypeVar, final

from tradai.core.exceptions import ExternalServiceError, NotFoundError, TradAIError
from tradai.entrypoint._live._account.account import ExchangeOrder, NewOrder, OrderStatus
from tradai.entrypoint._live._account.account_errors import (
    ExchangeRateLimitedError,
    OutcomeUnknownError,
)
from tradai.entrypoint._live._account.reconcile import OrderKey, order_key
from tradai.entrypoint._live._account.traded_account import TradedAccount
from tradai.entrypoint._live._drain.step_timer import StepTimer

T = TypeVar("T")
_TRIES: Final = 3
_PAUSE_S: Final = 0.2
# An order whose reply was lost may come to the exchange after the first look for it.
_LOOK_PAUSE_S: Final = 0.5


@final
class OrderChanges:
    """Changes of our orders; a change that could not be made is a problem.

    Attributes:
        problems: A sentence for each order that could not be placed.
        uncancelled: A sentence for each order that may still be open, by pair and number.
    """

    def __init__(self, account: TradedAccount, timer: StepTimer) -> None:
        """Change orders of `account` while `timer` has time left."""
        self._account = account
        self._timer = timer
        self.problems: list[str] = []
        self.uncancelled: dict[OrderKey, str] = {}

    def read(self, action: Callable[[], T]) -> T:
        """Return what `action` reads; it is called again while that may help and time is left.

        Raises:
            ExternalServiceError: The exchange did not answer in time.
            ConfigurationError: It refuses the key.
        """
        while True:
            try:
                return action()
            except TradAIError as exc:
                if not self._may_retry(exc) or self._timer.is_over:
                    raise

    def cancel(self, order: ExchangeOrder) -> ExchangeOrder | None:
        """Cancel `order`, and return its last state; None when it may still be open."""
        why = "no time was left"
        for _ in range(_TRIES):
            if self._timer.is_over:
                break
            try:
                return self._account.client.orders.cancel(order)
            # It has ended, or the reply was lost: the order itself says it.
            except (NotFoundError, OutcomeUnknownError) as exc:
                why = str(exc)
                found = self._look_up(self._account.pair_of(order), order.client_order_id)
                if found is not None and found.status is not OrderStatus.OPEN:
                    return found
            except TradAIError as exc:
                why = str(exc)
                if not self._may_retry(exc):
                    break
        named = f"the {order.side} order {order.order_id} on {order.symbol}"
        key = order_key(order, self._account.pair_of)
        self.uncancelled[key] = f"{named} was not cancelled: {why}"
        return None

    def place(self, order: NewOrder) -> ExchangeOrder | None:
        """Place `order`, at most once; return None when it was not, or that is not known."""
        why = "no time was left"
        for _ in range(_TRIES):
            if self._timer.is_over:
                break
            try:
                return self._account.client.orders.place(order)
            except OutcomeUnknownError as exc:
                found = self._look_up(order.pair, order.client_order_id)
                if found is not None:
                    return found
                # To send it again could sell twice.
                why = str(exc)
                break
            except TradAIError as exc:
                why = str(exc)
                if not self._may_retry(exc):
                    break
        self.problems.append(f"the order that closes the position in {order.pair} failed: {why}")
        return None

    def _look_up(self, pair: str, client_order_id: str) -> ExchangeOrder | None:
        for _ in range(_TRIES):
            if self._timer.is_over:
                break
            try:
                return self._account.client.reads.fetch_order(pair, client_order_id)
            except TradAIError:
                self._timer.sleep(_LOOK_PAUSE_S)
        return None

    def _may_retry(self, error: TradAIError) -> bool:
        """Wait before the next try of a request that had no effect; False when none helps."""
        if not isinstance(error, ExternalServiceError) or not error.retryable:
            return False
        self._timer.sleep(
            error.retry_after_s if isinstance(error, ExchangeRateLimitedError) else _PAUSE_S
        )
        return True

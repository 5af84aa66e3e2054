"""The watchdog's duty once the engine is dead: cancel its open entries, and write down what it did.

Imported when there is something to do.
"""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeAlias, final

from tradai.core import FileJournal, JsonValue, Secret, SystemClock
from tradai.core.exceptions import StorageError, TradAIError
from tradai.entrypoint._live._account.account import ApiKeys, ExchangeOrder, SignedClient
from tradai.entrypoint._live._watchdog.entry_cancel import EntryCancel

SignIn: TypeAlias = Callable[[str, ApiKeys, str | None], SignedClient]


@final
class Duty:
    """The duty on one engine, as its supervisor described it."""

    def __init__(self, facts: dict[str, Any]) -> None:
        """Take the facts of the first line."""
        self._facts = facts
        self._journal = FileJournal(Path(facts["log"]))
        self._keys = ApiKeys(key=Secret(facts.pop("key")), secret=Secret(facts.pop("secret")))

    def __enter__(self) -> Self:
        """Return the duty."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the log."""
        self._journal.close()

    def record(self, event: str, /, **facts: JsonValue) -> None:
        """Write down what was done; a disk that refuses keeps nothing from being done."""
        with suppress(StorageError):
            self._journal.append(event, **facts)

    def cancel_entries(self, sign_in: SignIn) -> bool:
        """Cancel the open entries; return whether none is left for sure."""
        try:
            return self._cancel(sign_in)
        except TradAIError as exc:
            problem = str(exc)
        # The boundary of the process: only the log can say that it failed. An error of no known
        # kind may have the keys in its text.
        except Exception as exc:  # noqa: BLE001
            problem = type(exc).__name__
        self.record("entries unknown or left", problem=problem)
        return False

    def _cancel(self, sign_in: SignIn) -> bool:
        facts = self._facts
        client = sign_in(facts["exchange"], self._keys, facts["base_url"])
        cancel = EntryCancel(client, prefix=facts["prefix"], clock=SystemClock())
        cancel.run(settle_s=facts["settle_s"], limit_s=facts["cancel_s"])
        for order in cancel.cancelled.values():
            self.record("entry cancelled", **_described(order))
        for order in cancel.left.values():
            self.record("entry left", **_described(order))
        event = "done" if cancel.is_clear else "entries unknown or left"
        self.record(event, cancelled=len(cancel.cancelled), problem=cancel.problem)
        return cancel.is_clear


def _described(order: ExchangeOrder) -> dict[str, JsonValue]:
    return {
        "symbol": order.symbol,
        "order": order.order_id,
        "client_order_id": order.client_order_id,
        "amount": str(order.amount),
        "filled": str(order.filled),
    }

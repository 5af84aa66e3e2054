"""Facts about the risks of a strategy that outlive its sessions, kept beside the halt latch."""

from collections.abc import Callable
from decimal import Decimal
from typing import Literal, final

from pydantic import BaseModel, ConfigDict, ValidationError as InvalidModelError

from tradai.core import ObjectStore, backend_for
from tradai.core.exceptions import ConflictError, NotFoundError, StorageError, TradingError
from tradai.core.live import RiskMeasure, TradingAccount
from tradai.entrypoint._live._risk.halt_latch import HaltLatch
from tradai.entrypoint._live._risk.risk_meter import EquityMarks


@final
class RiskRecord(BaseModel):
    """Losses of a strategy on an account go on from here when its next session starts.

    Attributes:
        run_id: Run of the session that wrote it.
        capital: Funds of the strategy when its losses were measured for the first time: its equity
            is this and its profit since. A deposit or a withdrawal changes neither.
        after_halt: Number of the newest halt at that time; 0 for none.
        marks: Equities that losses are measured from; None before the first equity was read.
        paused: Measures of a loss that trading is paused for, or was stopped for.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    run_id: str
    capital: Decimal
    after_halt: int = 0
    marks: EquityMarks | None = None
    paused: tuple[RiskMeasure, ...] = ()


@final
class RiskRecords:
    """The place of one record, in an object store; a session that holds the lease writes it."""

    def __init__(self, store: ObjectStore, uri: str) -> None:
        """Use the object at `uri` in `store`."""
        self._store = store
        self._uri = uri
        self._etag: str | None = None

    @classmethod
    def beside(cls, latch: str, *, account: TradingAccount, strategy: str) -> "RiskRecords":
        """Return the place for `strategy` on `account`, beside the halt latch at the URI `latch`.

        The same place has the same durability, and the preflight has looked at it.
        """
        folder = f"{latch.removesuffix('.json')}-risks"
        uri = f"{folder}/{account.venue}-{account.uid}-{strategy}.json"
        return cls(backend_for("tradai.stores", uri), uri)

    def read(self) -> RiskRecord | None:
        """Return the record; None before the first session.

        Raises:
            StorageError: It is damaged: losses must not be forgotten by that.
            ExternalServiceError: The store refused or did not answer.
        """
        try:
            stored = self._store.read(self._uri)
        except NotFoundError:
            return None
        self._etag = stored.etag
        try:
            return RiskRecord.model_validate_json(stored.data)
        except InvalidModelError as exc:
            message = (
                f"the record of losses at {self._uri} cannot be read: expected format 1; restore "
                "the object, or delete it to measure losses anew"
            )
            raise StorageError(message, operation="read", service="risks") from exc

    def write(self, record: RiskRecord) -> None:
        """Write `record` over the one that was read or written last.

        Raises:
            TradingError: Another process has written it.
            ExternalServiceError: The store refused or did not answer.
        """
        data = record.model_dump_json(indent=2).encode()
        try:
            self._replace(data)
        except ConflictError:
            self._adopt(record.run_id)
            self._replace(data)

    def _replace(self, data: bytes) -> None:
        is_new = self._etag is None
        self._etag = self._store.write(self._uri, data, if_match=self._etag, if_absent=is_new)

    def _adopt(self, run_id: str) -> None:
        """Go on from our own write, whose answer was lost."""
        found = self.read()
        if found is None or found.run_id != run_id:
            problem = (
                f"another process has written the record of losses at {self._uri}"
                if found
                else f"the record of losses at {self._uri} is gone, or cannot be read as an object"
            )
            message = f"{problem}: stop this session, and look which of them may trade"
            raise TradingError(message, reason="risks_taken")


def opened_record(
    records: RiskRecords, latch: HaltLatch, *, run_id: str, capital: Callable[[], Decimal]
) -> RiskRecord:
    """Return the record that the session of `run_id` goes on with.

    Losses are measured anew when there is no record, and when a person has cleared a halt since
    with new marks.

    Args:
        records: Place of the record.
        latch: Latch of the halts.
        run_id: Run of the session.
        capital: Returns the funds of the strategy, for losses that are measured anew.

    Raises:
        StorageError: The record is damaged.
        HaltedError: The latch cannot be read.
        ExternalServiceError: A store refused or did not answer.
    """
    found = records.read()
    halts = latch.halts()
    # A latch that was deleted counts from 1 again.
    after = found.after_halt if found and found.after_halt <= len(halts) else 0
    is_cleared = any(
        halt.number > after and halt.cleared is not None and halt.cleared.new_marks
        for halt in halts
    )
    if found is not None and not is_cleared:
        return found.model_copy(update={"run_id": run_id, "after_halt": after})
    return RiskRecord(run_id=run_id, capital=capital(), after_halt=len(halts))

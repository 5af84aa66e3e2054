"""Facts about the risks of a strategy that outlive its sessions, kept beside the halt latch."""

from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Final, Literal, TypeAlias, final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from tradai.core import ObjectStore, backend_for
from tradai.core.exceptions import ConflictError, StorageError, TradingError, ValidationError
from tradai.core.live import RiskMeasure, TradingAccount
from tradai.entrypoint._live._risk.halt_latch import HaltedError, HaltLatch
from tradai.entrypoint._live._risk.risk_meter import EquityMarks
from tradai.entrypoint._live._risk.strict_record import parsed_record, stored_record

# More than there is of any currency: a number beyond it is damage, and not money.
_MOST: Final = Decimal(10) ** 24
_ROLLED_BACK: Final = (
    "the halt latch has lost halts: the record of losses knows halt {}, the newest there is {}; "
    "restore the latch, or record it anew with `tradai-entrypoint resume --lost --session NAME`"
)


def _plausible(marks: EquityMarks) -> EquityMarks:
    if any(abs(mark) > _MOST for mark in (marks.peak, marks.opening, marks.last)):
        message = "an equity is out of range"
        raise ValueError(message)
    return marks


_Marks: TypeAlias = Annotated[EquityMarks, AfterValidator(_plausible)]


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
    capital: Decimal = Field(ge=0, le=_MOST)
    after_halt: int = Field(default=0, ge=0)
    marks: _Marks | None = None
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
        uri = f"{_folder(latch)}/{account.venue}-{account.uid}-{strategy}.json"
        return cls(backend_for("tradai.stores", uri), uri)

    def read(self) -> RiskRecord | None:
        """Return the record; None before the first session.

        Raises:
            StorageError: It is damaged: losses must not be forgotten by that.
            ExternalServiceError: The store refused or did not answer.
        """
        try:
            stored = stored_record(self._store, self._uri)
        except ValidationError as exc:
            raise self._damaged() from exc
        if stored is None:
            return None
        self._etag = stored.etag
        record = parsed_record(RiskRecord, stored.data)
        if record is None:
            raise self._damaged()
        return record

    def _damaged(self) -> StorageError:
        message = (
            f"the record of losses at {self._uri} cannot be read: expected format 1; restore "
            "the object, or delete it to measure losses anew"
        )
        return StorageError(message, operation="read", service="risks")

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


def _folder(latch: str) -> str:
    return f"{latch.removesuffix('.json')}-risks"


def newest_known_halt(latch: str) -> int:
    """Return the number of the newest halt that a record beside the latch knows; 0 for none.

    Raises:
        StorageError: A record is damaged.
        ExternalServiceError: The store refused or did not answer.
    """
    store = backend_for("tradai.stores", latch)
    records = (RiskRecords(store, info.uri).read() for info in store.list(f"{_folder(latch)}/"))
    return max((record.after_halt for record in records if record), default=0)


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
        HaltedError: The latch cannot be read, or has lost a halt that the record knows.
        ExternalServiceError: A store refused or did not answer.
    """
    found = records.read()
    halts = latch.halts()
    newest = halts[-1].number if halts else 0
    after = found.after_halt if found else 0
    if after > newest:
        raise HaltedError(_ROLLED_BACK.format(after, newest), reason="halt_latch_rolled_back")
    is_cleared = any(
        halt.number > after and halt.cleared is not None and halt.cleared.new_marks
        for halt in halts
    )
    if found is not None and not is_cleared:
        return found.model_copy(update={"run_id": run_id, "after_halt": newest})
    return RiskRecord(run_id=run_id, capital=capital(), after_halt=newest)

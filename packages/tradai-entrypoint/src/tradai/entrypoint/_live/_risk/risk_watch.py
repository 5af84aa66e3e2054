"""Watch the risks of a session: a sample every few seconds, judged by the approved limits."""

import logging
import math
from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal
from typing import Final, Protocol, final

from tradai.core import JsonValue, RunJournal, SystemClock, WaitingClock
from tradai.core.exceptions import StorageError, TradAIError, TradingError
from tradai.core.live import RiskAction, RiskLimit, RiskMeasure, RiskReadings
from tradai.entrypoint._live._risk.patient_equity import PatientEquity
from tradai.entrypoint._live._risk.risk_meter import RiskMeter, RiskSample
from tradai.entrypoint._live._risk.risk_monitor import RiskMonitor
from tradai.entrypoint._live._risk.risk_record import RiskRecord, RiskRecords

EVERY_S: Final = 10.0
_LOSSES: Final = (RiskMeasure.DRAWDOWN, RiskMeasure.DAILY_LOSS)
_VERBS: Final = {RiskAction.PAUSE: "pauses", RiskAction.DRAIN: "drains", RiskAction.HALT: "halts"}
_log: Final = logging.getLogger(__name__)


class WatchedBot(Protocol):
    """A bot that trades, as its engine reports it; the counts grow while the process lives."""

    def profit(self) -> Decimal | None:
        """Return its profit so far, open positions included; None when it cannot be read."""
        ...

    def sent_orders(self) -> int:
        """Return the number of orders that it has sent."""
        ...

    def rejected_orders(self) -> int:
        """Return the number of its orders that the exchange has rejected."""
        ...

    def callback_errors(self) -> int:
        """Return the number of exceptions in callbacks of the strategy."""
        ...


@final
class RiskWatch:
    """Risks of one session; not for use from several threads.

    Attributes:
        readings: The last reading of each measure.
        action: The strictest action that the readings have led to.
    """

    def __init__(
        self,
        bot: WatchedBot,
        limits: Mapping[RiskMeasure, RiskLimit],
        records: RiskRecords,
        record: RiskRecord,
        *,
        journal: RunJournal,
        clock: WaitingClock | None = None,
    ) -> None:
        """Go on from `record`; the first sample is due at once.

        Args:
            bot: The bot.
            limits: The approved limits.
            records: Place of the record.
            record: The record that the session goes on with.
            journal: Has each change of the action.
            clock: A clock for instants and durations; by default that of this machine.
        """
        self.readings: RiskReadings = {}
        self._bot = bot
        self._records, self._record = records, record
        self._stored: RiskRecord | None = None
        self._journal = journal
        self._clock = clock or SystemClock()
        self._meter = RiskMeter(record.marks)
        # Only where this approval pauses: without a release a pause would never end.
        held = [name for name in record.paused if limits[name].pause is not None]
        self._monitor = RiskMonitor(limits=limits, held=dict.fromkeys(held, RiskAction.PAUSE))
        self._equity = PatientEquity(
            bot.profit,
            capital=record.capital,
            last=record.marks.last if record.marks else None,
            seconds=self._clock,
        )
        self._due_s = -math.inf

    @property
    def action(self) -> RiskAction:
        """The strictest action that the readings have led to."""
        return self._monitor.action

    @property
    def reason(self) -> str:
        """Sentence that names the measures which have the strictest action."""
        return ", ".join(map(self._describe, self._monitor.causes)) or "all risks are low again"

    def beat(self, *, is_trading: bool) -> RiskAction:
        """Take a sample if that is due, and return the action.

        Args:
            is_trading: Whether the engine trades; before that it is not asked.

        Raises:
            TradingError: Another process has written the record of losses.
        """
        if self._clock() >= self._due_s:
            self._due_s = self._clock() + EVERY_S
            before = self.action
            self._sample(is_trading=is_trading)
            if self.action is not before:
                self._note_change(before)
            self._keep()
        return self.action

    def to_json(self) -> dict[str, JsonValue]:
        """Return the marks, the last readings, and the action."""
        record = self._record.model_dump(mode="json", exclude={"format", "run_id", "after_halt"})
        return {**record, "readings": self._shown_readings(), "action": self.action.name.lower()}

    def _sample(self, *, is_trading: bool) -> None:
        sample = RiskSample(
            at=self._clock.now(),
            at_s=self._clock(),
            equity=self._equity.read() if is_trading else self._equity.wait(),
            orders=self._bot.sent_orders(),
            rejected_orders=self._bot.rejected_orders(),
            callback_errors=self._bot.callback_errors(),
        )
        self.readings = self._meter.read(sample)
        self._monitor = self._monitor.after(self.readings)

    def _keep(self) -> None:
        """Write marks that have changed; a store that refuses is asked again at the next sample."""
        # A loss that drained or halted pauses the next session, until it has come back.
        paused = tuple(name for name in _LOSSES if self._monitor.held[name] is not RiskAction.NONE)
        changes = {"marks": self._meter.marks, "paused": paused}
        self._record = self._record.model_copy(update=changes)
        if self._record == self._stored:
            return
        try:
            self._records.write(self._record)
        except TradingError:
            raise
        except TradAIError as exc:
            _log.warning("the record of losses was not written", extra={"error": str(exc)})
        else:
            self._stored = self._record

    def _note_change(self, before: RiskAction) -> None:
        # A full disk must not keep the session from acting.
        with suppress(StorageError):
            self._journal.append(
                "risk_action",
                start=before.name.lower(),
                end=self.action.name.lower(),
                reason=self.reason,
                readings=self._shown_readings(),
            )

    def _shown_readings(self) -> dict[str, JsonValue]:
        return {measure.value: _shown(reading) for measure, reading in self.readings.items()}

    def _describe(self, measure: RiskMeasure) -> str:
        action = self._monitor.held[measure]
        limit: Decimal | None = getattr(self._monitor.limits[measure], action.name.lower())
        reading = self.readings.get(measure, Decimal("NaN"))
        if not reading.is_finite():
            return f"{measure} could not be read, which counts as the worst and {_VERBS[action]}"
        return f"{measure} is {_shown(reading)}, and {limit} {_VERBS[action]}"


def _shown(reading: Decimal) -> str:
    return f"{reading:.4f}".rstrip("0").rstrip(".") if reading.is_finite() else "unknown"

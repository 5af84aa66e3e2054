"""A session as its operators see it: its record, and the ages of its heartbeat and its progress."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, final

from tradai.core import Utc
from tradai.core.live import SessionRecord, SessionState

# A session may start or drain for two minutes without a heartbeat.
_STALE_AFTER_S: Final = 180.0
# While its engine runs it beats every five seconds, a few later when a store or the engine is slow.
_MISSED_AFTER_S: Final = 30.0
_LOOPING: Final = frozenset({SessionState.RUNNING, SessionState.PAUSED})
_BEATING: Final = _LOOPING | {SessionState.WARM_UP}


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class SessionView:
    """A record at the instant `now`, by the clock of the operator."""

    record: SessionRecord
    now: Utc

    @property
    def beat_age_s(self) -> float:
        """Seconds since the heartbeat; 0 when it is ahead of this machine's clock."""
        return self._age_s(self.record.beat_at)

    @property
    def progress_age_s(self) -> float:
        """Seconds since the engine's loop made its last turn."""
        return self._age_s(self.record.progressed_at)

    @property
    def stale_reason(self) -> str | None:
        """Sentence that says why the session may not live, or stand still; None without doubt."""
        record = self.record
        if record.state.is_final:
            return None
        if self.beat_age_s > (_MISSED_AFTER_S if record.state in _BEATING else _STALE_AFTER_S):
            return (
                f"no heartbeat for {self.beat_age_s:.0f} s: its process may be gone, or cannot "
                "reach the session store; look at the machine that it runs on"
            )
        if record.state in _LOOPING and self.progress_age_s > _STALE_AFTER_S:
            return (
                f"the engine's loop has made no turn for {self.progress_age_s:.0f} s, although the "
                "process beside it lives; look at the log of the engine"
            )
        return None

    def to_json(self) -> dict[str, object]:
        """Return the record with its status, the ages, and the doubt about it."""
        return {
            **self.record.model_dump(mode="json", exclude={"format", "owner"}),
            "status": self.record.status.value,
            "beat_age_s": round(self.beat_age_s, 3),
            "progress_age_s": round(self.progress_age_s, 3),
            "is_stale": self.stale_reason is not None,
            "stale_reason": self.stale_reason,
        }

    def _age_s(self, at: datetime) -> float:
        return max(0.0, (self.now - at).total_seconds())

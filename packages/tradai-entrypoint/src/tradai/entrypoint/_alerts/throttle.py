"""Alerts of one cause in a window, of which the first is sent."""

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, final

from tradai.core.live import Alert

_DIGITS: Final = re.compile(r"[0-9]+(?:[.,][0-9]+)*")


@dataclass(slots=True)
class _Cause:
    alert: Alert
    began_s: float
    left_out: int = 0


@final
class AlertThrottle:
    """The causes of alerts in a window: the first alert of each is sent, the rest is counted."""

    def __init__(self, window_s: float, seconds: Callable[[], float]) -> None:
        """Count in windows of `window_s`, measured by `seconds`."""
        self._window_s = window_s
        self._seconds = seconds
        self._lock = threading.Lock()
        self._causes: dict[tuple[str, str], _Cause] = {}

    def __len__(self) -> int:
        """Return the number of causes that are remembered."""
        with self._lock:
            return len(self._causes)

    def admit(self, alert: Alert) -> Alert | None:
        """Return the alert with the number of those that were left out; None to leave it out."""
        key, now_s = (alert.kind, _DIGITS.sub("#", alert.sentence)), self._seconds()
        with self._lock:
            cause = self._causes.get(key)
            if cause is not None and now_s - cause.began_s < self._window_s:
                cause.alert, cause.left_out = alert, cause.left_out + 1
                return None
            self._forget_old(now_s)
            self._causes[key] = _Cause(alert, now_s)
        return replace(alert, repeats=cause.left_out if cause else 0)

    def drain(self) -> list[Alert]:
        """Return the last alert of each cause that was left out, without itself in the number."""
        with self._lock:
            causes, self._causes = list(self._causes.values()), {}
        return [replace(each.alert, repeats=each.left_out - 1) for each in causes if each.left_out]

    def _forget_old(self, now_s: float) -> None:
        self._causes = {
            key: cause
            for key, cause in self._causes.items()
            if cause.left_out or now_s - cause.began_s < self._window_s
        }

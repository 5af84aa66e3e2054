"""Alerts of a live session: throttled, and sent by threads that never delay it."""

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Final, final

from tradai.core import Clock, SystemClock, backend_for, redact
from tradai.core.live import Alert, AlertChannel
from tradai.entrypoint._alerts.throttle import AlertThrottle

_log: Final = logging.getLogger(__name__)
_MOST_WAITING: Final = 100
_WINDOW_S: Final = 300.0
_LONGEST: Final = 2000


def alerts_for(uris: Iterable[str], *, facts: Mapping[str, str]) -> "Alerts":
    """Return the alerts with `facts` that go to the channels at `uris`, such as ``log:``.

    Raises:
        ConfigurationError: No installed distribution serves a URI.
        ValidationError: A channel does not serve such a URI.
    """
    return Alerts({uri: backend_for("tradai.alerts", uri) for uri in uris}, facts=facts)


@final
class Alerts:
    """Alerts to people: `send` returns at once, and no channel's error reaches its caller.

    The same cause, a kind and a sentence in which only numbers differ, is sent at most once in a
    window; the next alert of that cause, or `close`, says how many were left out. A change of state
    is always sent. Each channel has
    a thread of its own, so one that hangs holds up no other. For use from any thread.
    """

    def __init__(
        self,
        channels: Mapping[str, AlertChannel],
        *,
        facts: Mapping[str, str],
        window_s: float = _WINDOW_S,
        clock: Clock | None = None,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the channels by their names for the log.

        Args:
            channels: Channels by name.
            facts: Facts of every alert by name, such as its session; secrets are masked.
            window_s: Seconds in which one alert of a cause is sent.
            clock: Clock that dates the alerts.
            seconds: Clock that measures the window.
        """
        self._lines = [_Line(name, channel) for name, channel in channels.items()]
        self._facts = facts
        self._throttle = AlertThrottle(window_s, seconds)
        self._clock = clock or SystemClock()

    def check(self) -> None:
        """Check the channels that can be checked, before a session relies on them.

        Raises:
            TradAIError: One could not send now.
        """
        for line in self._lines:
            line.check()

    def send(self, kind: str, sentence: str) -> None:
        """Send an alert to every channel, unless its cause was sent a short while ago.

        Args:
            kind: Kind in a word, such as ``halt``.
            sentence: What happened; secrets are masked.
        """
        self._put(self._throttle.admit(self._alert(kind, sentence)))

    def send_change(self, kind: str, sentence: str) -> None:
        """Send an alert of a new state to every channel, also when the same one was short ago.

        Left out, it would hide the last state.
        """
        self._put(self._alert(kind, sentence))

    def close(self, within_s: float = 5.0) -> None:
        """Send the numbers of alerts that were left out, and wait for the channels that long."""
        for alert in self._throttle.drain():
            self._put(alert)
        deadline_s = time.monotonic() + within_s
        for line in self._lines:
            line.end()
        for line in self._lines:
            line.join(max(0.0, deadline_s - time.monotonic()))

    def _alert(self, kind: str, sentence: str) -> Alert:
        facts = {name: redact(fact) for name, fact in self._facts.items()}
        text = redact(sentence)[:_LONGEST]
        return Alert(kind=kind, sentence=text, facts=facts, at=self._clock.now())

    def _put(self, alert: Alert | None) -> None:
        if alert is not None:
            for line in self._lines:
                line.put(alert)


@final
class _Line:
    """One channel, its thread, and the alerts that wait for it."""

    def __init__(self, name: str, channel: AlertChannel) -> None:
        self._name = name
        self._channel = channel
        self._waiting: queue.Queue[Alert | None] = queue.Queue(_MOST_WAITING)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def check(self) -> None:
        """Check the channel, if it can be checked."""
        check = getattr(self._channel, "check", None)
        if check is not None:
            check()

    def put(self, alert: Alert | None) -> None:
        """Let `alert` wait, or drop it when too many wait; None ends the thread."""
        try:
            self._start()
            self._waiting.put_nowait(alert)
        # The latter: the system has no thread to spare.
        except (queue.Full, RuntimeError) as exc:
            reason = "too many wait" if isinstance(exc, queue.Full) else str(exc)
            _log.warning("alert dropped", extra={"channel": self._name, "reason": reason})

    def end(self) -> None:
        """End the thread after the alerts that wait."""
        if self._thread is not None:
            self.put(None)

    def join(self, timeout_s: float) -> None:
        """Wait for the thread to end; a channel that hangs keeps its thread, which is a daemon."""
        if self._thread is not None:
            self._thread.join(timeout_s)

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                thread = threading.Thread(
                    target=self._run, name=f"alerts-{self._name}", daemon=True
                )
                thread.start()
                self._thread = thread

    def _run(self) -> None:
        while (alert := self._waiting.get()) is not None:
            try:
                self._channel.send(alert)
            # The boundary of the thread: a plug-in may raise anything, and changes nothing by it.
            except Exception as exc:  # noqa: BLE001
                facts = {"channel": self._name, "alert": alert.kind, "reason": redact(str(exc))}
                _log.warning("alert not delivered", extra=facts)

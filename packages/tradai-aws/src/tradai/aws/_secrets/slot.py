"""One secret that is held: what may be served now, and the one refresh that may be under way."""

import copy
import math
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Final, TypeAlias, final

from tradai.aws._secrets.failure import Failure, SecretState, unforeseen
from tradai.aws._secrets.held_secret import Reading
from tradai.aws._secrets.identity import SecretIdentity
from tradai.aws._secrets.policy import SecretsPolicy
from tradai.core import LoggerMixin
from tradai.core.exceptions import TradAIError

__all__ = ["SecretSlot"]


Flight: TypeAlias = Future[Reading | Failure]

_UNREADABLE: Final = "secret cannot be read"


@final
class SecretSlot(LoggerMixin):
    """What is held of one secret. It is replaced whole, so that readers need no lock.

    ::

        age        0 ........ fresh_s ............ usable_s ............. outage_s
        AWS answers   served     served, refreshed     readers wait
        outage        served     served, retried       served, retried     the error
    """

    def __init__(
        self,
        identity: SecretIdentity,
        read: Callable[[SecretIdentity], Reading],
        *,
        policy: SecretsPolicy,
        clock: Callable[[], float],
    ) -> None:
        """Hold nothing; `read` asks AWS."""
        self.identity = identity
        self.held: Reading | None = None
        self.failure: Failure | None = None
        self._read = read
        self._policy = policy
        self._clock = clock
        self.forget_flight()

    def forget_flight(self) -> None:
        """Start anew after a fork: the thread that held the lock or flew is not in this process."""
        self._lock = threading.Lock()
        self._flight: Flight | None = None
        self._flyer: int | None = None
        self._rejected: str | None = None

    def ready(self) -> Reading | None:
        """Return what may be served at once; None when the caller has to wait for a flight.

        Raises:
            TradAIError: AWS said no a moment ago, or the outage lasts too long.
        """
        held, failure, now_s = self.held, self.failure, self._clock()
        is_recent = failure is not None and now_s < failure.until_s
        if held is not None:
            age_s = now_s - held.read_s
            if age_s < self._policy.fresh_s:
                return held
            limit_s = self._policy.usable_s if failure is None else self._policy.outage_s
            if age_s < limit_s:
                if not is_recent and self._flight is None:
                    self.flight()
                return held
        if failure is not None and is_recent:
            raise failure.fresh()
        return None

    def is_fresh(self) -> bool:
        """Tell whether there is no need to ask AWS."""
        held = self.held
        return held is not None and self._clock() - held.read_s < self._policy.fresh_s

    def state(self) -> SecretState:
        """Return what is known, without the value."""
        held, failure = self.held, self.failure
        return SecretState(
            reference=str(self.identity.reference),
            version_id=held and held.version_id,
            age_s=held and self._clock() - held.read_s,
            failure=failure and str(failure.error),
        )

    def flight(self) -> Flight:
        """Return the refresh that is under way; it is started if there is none.

        Raises:
            RecursionError: The caller is that refresh: it would wait for itself.
        """
        if self._flyer == threading.get_ident():
            message = f"what reads {self.identity.reference} asks for it"
            raise RecursionError(message)
        with self._lock:
            if self._flight is not None:
                return self._flight
            flight = self._prepared()
        self._launch(flight)
        return flight

    def patience_s(self) -> float | None:
        """How long to wait for a flight: for ever, unless something may be served in its place."""
        return self._policy.wait_s if self._bridge() else None

    def awaited(self) -> Reading:
        """Return what a flight brings, or what is held when it takes too long.

        Raises:
            TradAIError: It failed, and nothing may be served in its place.
        """
        flight = self.flight()
        with suppress(TimeoutError):
            return self.settled(flight.result(self.patience_s()))
        return self.bridged(flight)

    def bridged(self, flight: Flight) -> Reading:
        """Return what is held while `flight` takes too long.

        Raises:
            TradAIError: As for `awaited`.
        """
        return self._bridge() or self.settled(flight.result())

    def settled(self, outcome: Reading | Failure) -> Reading:
        """Return what to serve after a flight.

        Raises:
            TradAIError: It failed, and nothing may be served in its place.
        """
        if isinstance(outcome, Reading):
            return outcome
        held = self._bridge()
        if held is None:
            raise outcome.fresh()
        return held

    def reject(self, version_id: str) -> None:
        """Ask AWS once more because `version_id` did not open anything; once for each version."""
        while True:
            with self._lock:
                flight, is_mine = self._flight, False
                if flight is None:
                    if not self._may_reject(version_id):
                        return
                    flight, is_mine = self._prepared(), True
                    self._rejected = version_id
            if is_mine:
                self._launch(flight)
            outcome = flight.result()
            if is_mine:
                if isinstance(outcome, Failure):
                    self._rejected = None
                return

    def take(self, reading: Reading) -> Reading:
        """Hold `reading` unless what is held was asked for later; return what is held."""
        held, events = self._hold(reading)
        self._tell(events)
        return held

    def fail(self, error: TradAIError) -> Failure:
        """Remember `error`; what is held stays only while AWS does not answer."""
        failure, events = self._remember(error)
        self._tell(events)
        return failure

    def _hold(self, reading: Reading) -> tuple[Reading, list[str]]:
        with self._lock:
            before = self.held
            if before is None or before.read_s <= reading.read_s:
                self.held = reading
            held = self.held or reading
            failure, self.failure = self.failure, None
        events = []
        if failure is not None and failure.is_outage:
            events.append("secret can be read again")
        if before is not None and before.version_id != held.version_id:
            events.append("secret has a new version")
        return held, events

    def _remember(self, error: TradAIError) -> tuple[Failure, list[str]]:
        # A copy holds no frame of the call that failed.
        failure = Failure(error=copy.copy(error), until_s=self._clock() + self._policy.retry_s)
        with self._lock:
            before, self.failure = self.failure, failure
            if not failure.is_outage:
                self.held = None
        is_news = before is None or before.is_outage is not failure.is_outage
        return failure, [_UNREADABLE] if is_news else []

    def _bridge(self) -> Reading | None:
        """Return what may be served while AWS does not answer."""
        held = self.held
        is_young = held is not None and self._clock() - held.read_s < self._policy.outage_s
        return held if is_young else None

    def _may_reject(self, version_id: str) -> bool:
        held, failure = self.held, self.failure
        if held is None or held.version_id != version_id or self._rejected == version_id:
            return False
        return failure is None or self._clock() >= failure.until_s

    def _prepared(self) -> Flight:
        flight: Flight = Future()
        # Or a task that is cancelled would cancel it for everybody.
        flight.set_running_or_notify_cancel()
        self._flight = flight
        return flight

    def _launch(self, flight: Flight) -> None:
        thread = threading.Thread(
            target=self._fly_alone, args=(flight,), name="tradai-secret", daemon=True
        )
        try:
            thread.start()
        except RuntimeError:
            # The machine has no more threads, or the interpreter is shutting down.
            self._fly(flight)

    def _fly_alone(self, flight: Flight) -> None:
        # A client that ends its thread ends this one, and readers have been told.
        with suppress(SystemExit, KeyboardInterrupt):
            self._fly(flight)

    def _fly(self, flight: Flight) -> None:
        events: list[str] = []
        outcome: Reading | Failure = Failure(error=unforeseen(SystemExit()), until_s=-math.inf)
        self._flyer = threading.get_ident()
        try:
            outcome, events = self._brought()
        # The outermost loop of this thread: readers wait for it, should even the clock fail.
        except Exception as exc:  # noqa: BLE001
            outcome = Failure(error=unforeseen(exc), until_s=-math.inf)
        finally:
            with self._lock:
                self._flight = self._flyer = None
            flight.set_result(outcome)
        # Not before: a handler of logs may be waiting for this very secret.
        self._tell(events)

    def _brought(self) -> tuple[Reading | Failure, list[str]]:
        try:
            return self._hold(self._read(self.identity))
        except TradAIError as exc:
            return self._remember(exc)
        # A client may be anybody's.
        except Exception as exc:  # noqa: BLE001
            return self._remember(unforeseen(exc))

    def _tell(self, events: list[str]) -> None:
        for event in events:
            log = self.logger.warning if event == _UNREADABLE else self.logger.info
            log(event, extra=self._facts())

    def _facts(self) -> dict[str, object]:
        state = self.state()
        return {
            "reference": state.reference,
            "version_id": state.version_id,
            "age_s": state.age_s,
            "failure": state.failure,
        }

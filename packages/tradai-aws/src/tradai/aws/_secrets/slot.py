"""One held secret: the value that may be served now, and its refresh in the background."""

import copy
import math
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Final, TypeAlias, final

from tradai.aws._secrets.failure import Failure, SecretState, unexpected_error
from tradai.aws._secrets.held_secret import SecretVersion
from tradai.aws._secrets.identity import SecretIdentity
from tradai.aws._secrets.policy import SecretsPolicy
from tradai.core import LoggerMixin
from tradai.core.exceptions import TradAIError

Refresh: TypeAlias = Future[SecretVersion | Failure]

_UNREADABLE: Final = "secret cannot be read"


@final
class SecretSlot(LoggerMixin):
    """The version of one secret that is held. It is replaced whole: readers need no lock.

    ::

        age        0 ........ fresh_s ............ usable_s ............. outage_s
        AWS answers   served     served, refreshed     readers wait
        outage        served     served, retried       served, retried     the error
    """

    def __init__(
        self,
        identity: SecretIdentity,
        read: Callable[[SecretIdentity], SecretVersion],
        *,
        policy: SecretsPolicy,
        clock: Callable[[], float],
    ) -> None:
        """Hold nothing; `read` asks AWS."""
        self.identity = identity
        self.held: SecretVersion | None = None
        self.failure: Failure | None = None
        self._read = read
        self._policy = policy
        self._clock = clock
        self.reset()

    def reset(self) -> None:
        """Drop lock and refresh, which after a fork belong to threads of the parent process."""
        self._lock = threading.Lock()
        self._running: Refresh | None = None
        self._refresh_thread: int | None = None
        self._rejected: str | None = None

    def serve_now(self) -> SecretVersion | None:
        """Return the version that may be served at once; None if the caller has to wait.

        Raises:
            TradAIError: AWS refused a moment ago, or the outage lasts too long.
        """
        held, failure, now_s = self.held, self.failure, self._clock()
        is_recent = failure is not None and failure.is_recent(now_s)
        if held is not None:
            age_s = now_s - held.read_s
            if age_s < self._policy.fresh_s:
                return held
            limit_s = self._policy.usable_s if failure is None else self._policy.outage_s
            if age_s < limit_s:
                if not is_recent and self._running is None:
                    self.refresh()
                return held
        if failure is not None and is_recent:
            raise failure.copy_error()
        return None

    def is_fresh(self) -> bool:
        """Tell whether AWS need not be asked."""
        held = self.held
        return held is not None and self._clock() - held.read_s < self._policy.fresh_s

    def state(self) -> SecretState:
        """Return version, age and failure, without the value."""
        held, failure = self.held, self.failure
        return SecretState(
            reference=str(self.identity.reference),
            version_id=held and held.version_id,
            age_s=held and self._clock() - held.read_s,
            failure=failure and str(failure.error),
        )

    def refresh(self) -> Refresh:
        """Return the running refresh; one that has just ended; or else a new one.

        Raises:
            RecursionError: The caller is the refresh itself, which would wait for itself.
        """
        if self._refresh_thread == threading.get_ident():
            message = f"the client that reads {self.identity.reference} asks for it"
            raise RecursionError(message)
        with self._lock:
            if self._running is not None:
                return self._running
            outcome = self._recent_outcome()
            if outcome is not None:
                return _ended(outcome)
            refresh = self._new_refresh()
        self._start_refresh(refresh)
        return refresh

    def wait_limit_s(self) -> float | None:
        """Return the seconds to wait for a refresh; None, for ever, if nothing may be served."""
        return self._policy.wait_s if self._stale_version() else None

    def wait_for_refresh(self) -> SecretVersion:
        """Return the result of a refresh, or the held version when that takes too long.

        Raises:
            TradAIError: It failed, and no held version may be served.
        """
        refresh = self.refresh()
        with suppress(TimeoutError):
            return self.serve(refresh.result(self.wait_limit_s()))
        return self.serve_held(refresh)

    def serve_held(self, refresh: Refresh) -> SecretVersion:
        """Return the held version while `refresh` takes too long.

        Raises:
            TradAIError: The refresh failed, and no held version may be served.
        """
        return self._stale_version() or self.serve(refresh.result())

    def serve(self, outcome: SecretVersion | Failure) -> SecretVersion:
        """Return the version to serve after a refresh.

        Raises:
            TradAIError: It failed, and no held version may be served.
        """
        if isinstance(outcome, SecretVersion):
            return outcome
        held = self._stale_version()
        if held is None:
            raise outcome.copy_error()
        return held

    def reject(self, version_id: str) -> None:
        """Refresh because `version_id` was rejected at a login; once for each version."""
        while True:
            with self._lock:
                refresh, is_mine = self._running, False
                if refresh is None:
                    if not self._may_reject(version_id):
                        return
                    refresh, is_mine = self._new_refresh(), True
                    self._rejected = version_id
            if is_mine:
                self._start_refresh(refresh)
            outcome = refresh.result()
            if is_mine:
                if isinstance(outcome, Failure):
                    self._rejected = None
                return

    def store(self, outcome: SecretVersion | TradAIError) -> None:
        """Hold a version unless the held one is newer, or remember an error.

        After an error the held version stays only if AWS did not answer.
        """
        if isinstance(outcome, SecretVersion):
            _, events = self._hold(outcome)
        else:
            _, events = self._remember(outcome)
        self._log(events)

    def _hold(self, version: SecretVersion) -> tuple[SecretVersion, list[str]]:
        with self._lock:
            before = self.held
            if before is None or before.read_s <= version.read_s:
                self.held = version
            held = self.held or version
            failure, self.failure = self.failure, None
        events = []
        if failure is not None and failure.is_outage:
            events.append("secret can be read again")
        if before is not None and before.version_id != held.version_id:
            events.append("secret has a new version")
        return held, events

    def _remember(self, error: TradAIError) -> tuple[Failure, list[str]]:
        # The copy has no traceback, so no frame of the failed request.
        retry_at_s = self._clock() + self._policy.retry_s
        failure = Failure(error=copy.copy(error), retry_at_s=retry_at_s)
        with self._lock:
            before, self.failure = self.failure, failure
            if not failure.is_outage:
                self.held = None
        is_news = before is None or before.is_outage is not failure.is_outage
        return failure, [_UNREADABLE] if is_news else []

    def _stale_version(self) -> SecretVersion | None:
        """Return the held version if it may be served while AWS does not answer."""
        held = self.held
        is_young = held is not None and self._clock() - held.read_s < self._policy.outage_s
        return held if is_young else None

    def _recent_outcome(self) -> SecretVersion | Failure | None:
        """Return the outcome of a refresh that ended after the caller had looked for one."""
        if self.is_fresh():
            return self.held
        failure = self.failure
        return failure if failure is not None and failure.is_recent(self._clock()) else None

    def _may_reject(self, version_id: str) -> bool:
        held, failure = self.held, self.failure
        if held is None or held.version_id != version_id or self._rejected == version_id:
            return False
        return failure is None or not failure.is_recent(self._clock())

    def _new_refresh(self) -> Refresh:
        refresh: Refresh = Future()
        # Else a task that is cancelled would cancel it for all readers.
        refresh.set_running_or_notify_cancel()
        self._running = refresh
        return refresh

    def _start_refresh(self, refresh: Refresh) -> None:
        thread = threading.Thread(
            target=self._run_in_thread, args=(refresh,), name="tradai-secret", daemon=True
        )
        try:
            thread.start()
        except RuntimeError:
            # The machine has no more threads, or the interpreter is shutting down.
            self._run(refresh)

    def _run_in_thread(self, refresh: Refresh) -> None:
        # A client that raises these ends this thread only; readers have got their result.
        with suppress(SystemExit, KeyboardInterrupt):
            self._run(refresh)

    def _run(self, refresh: Refresh) -> None:
        events: list[str] = []
        error = unexpected_error(SystemExit())
        outcome: SecretVersion | Failure = Failure(error=error, retry_at_s=-math.inf)
        self._refresh_thread = threading.get_ident()
        try:
            outcome, events = self._fetch()
        # The outermost loop of this thread: readers wait for it, should even the clock fail.
        except Exception as exc:  # noqa: BLE001
            outcome = Failure(error=unexpected_error(exc), retry_at_s=-math.inf)
        finally:
            with self._lock:
                self._running = self._refresh_thread = None
            refresh.set_result(outcome)
        # Not before: a log handler may be waiting for this very secret.
        self._log(events)

    def _fetch(self) -> tuple[SecretVersion | Failure, list[str]]:
        try:
            return self._hold(self._read(self.identity))
        except TradAIError as exc:
            return self._remember(exc)
        # The caller's own client may raise anything.
        except Exception as exc:  # noqa: BLE001
            return self._remember(unexpected_error(exc))

    def _log(self, events: list[str]) -> None:
        for event in events:
            log = self.logger.warning if event == _UNREADABLE else self.logger.info
            log(event, extra=self._log_fields())

    def _log_fields(self) -> dict[str, object]:
        state = self.state()
        return {
            "reference": state.reference,
            "version_id": state.version_id,
            "age_s": state.age_s,
            "failure": state.failure,
        }


def _ended(outcome: SecretVersion | Failure) -> Refresh:
    refresh: Refresh = Future()
    refresh.set_result(outcome)
    return refresh

"""`Lease`: acquire, renew and release, by comparison in a store and by monotonic clocks.

Two rules keep the holders apart, whatever the network and the times of day do:

- A holder counts its time from before it sent its write, and stops believing in its lease after
  four fifths of the time to live, by its own clock.
- Another process takes the lease after it has seen the record unchanged for the whole time to live
  by its own clock, counted from after the record arrived, and only by a write that compares.

So no two believe at the same time as long as no clock runs more than ten percent too fast or too
slow. `docs/explanation/leases.md` says what this cannot promise.
"""

import math
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Final, Self, final

from tradai.core._fork_lock import ForkLock
from tradai.core._lease.checks import checked_holder, checked_ttl
from tradai.core._lease.errors import held_error, lost_error
from tradai.core._lease.record import LeaseRecord
from tradai.core._lease.sighting import Sighting
from tradai.core._logging.setup import LoggerMixin
from tradai.core._ports.lease_store import LeaseStore
from tradai.core._ports.protocols import StoredObject, WaitingClock
from tradai.core._time.clock import SystemClock
from tradai.core.exceptions import ConflictError, ExternalServiceError

# Share of the time to live in which the holder believes in its lease. The rest covers clocks that
# run at rates from 0.9 to 1.1: chrony corrects a clock by up to 8.4 percent.
_BELIEVED: Final = 0.8
# Looks of a process that waits, in one time to live.
_LOOKS: Final = 20
# Looks and writes until a store counts as broken whose record does not show why it refuses.
_TRIES: Final = 10


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class _Holding:
    """A record that was written for this process, its tag, and when its belief ends."""

    record: LeaseRecord
    etag: str
    until_s: float
    process: int


@final
class Lease(LoggerMixin):
    """A right that one holder has at a time, for as long as it renews it.

    A holder renews it every third of its time to live, and asks `check` before each step that needs
    the right. After a pause, an outage or a fork, `check` refuses as soon as another process might
    have taken the lease. A lease that was lost stays lost: acquire it again.

    Any thread may call any method. Nothing renews in the background: that would prove that a thread
    lives, and not that the work goes on.

    Attributes:
        name: Name of the lease, for people.
        holder: Name of the holder, shown to those who are refused.
        ttl_s: Time to live in seconds: how long a lease outlives its killed holder.
    """

    def __init__(
        self,
        store: LeaseStore,
        *,
        name: str,
        holder: str | None = None,
        ttl_s: float = 30.0,
        clock: WaitingClock | None = None,
    ) -> None:
        """Use the lease in `store`; nothing is asked yet.

        Args:
            store: Place of the lease.
            name: Name of the lease.
            holder: Name of the holder; by default this machine and process.
            ttl_s: Time to live, 0.1 to 86,400 seconds. Holders of one lease may differ in it.
            clock: Clock to count and wait by; by default that of this machine.

        Raises:
            ValidationError: `ttl_s` or `holder` is not usable.
        """
        self.name = name
        self.holder = checked_holder(holder)
        self.ttl_s = checked_ttl(ttl_s)
        self._store = store
        self._clock = clock or SystemClock()
        self._id = secrets.token_hex(8)
        self._lock = ForkLock()
        self._holding: _Holding | None = None
        self._sighting = Sighting(self._clock)

    def __enter__(self) -> Self:
        """Acquire the lease."""
        self.acquire()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Release the lease; when the store does not answer, log it: the lease ends by itself."""
        try:
            self.release()
        except ExternalServiceError as exc:
            self.logger.warning("lease not released", extra={"lease": self.name, "error": str(exc)})

    @property
    def remaining_s(self) -> float:
        """Seconds for which this process may believe in its lease; 0 when it does not hold it."""
        holding = self._holding
        if holding is None or holding.process != os.getpid():
            return 0.0
        return max(0.0, holding.until_s - self._clock())

    def check(self) -> int:
        """Return the fencing token while the lease is held; asks the clock only.

        Raises:
            LeaseLostError: It is not held, or may have run out.
        """
        holding = self._holding
        if holding is None or not self.remaining_s:
            raise lost_error(self.name, "it is not held, or was not renewed in time")
        return holding.record.token

    def acquire(self, *, wait_s: float | None = None) -> int:
        """Take the lease, and return its fencing token, which is larger than any before.

        Args:
            wait_s: Seconds to wait while another holds it. By default until its holder is seen to
                renew it, or it runs out: at most the holder's time to live. With 0, one look: it
                finds a released lease free, but cannot tell a killed holder from a living one.

        Raises:
            LeaseHeldError: Another process, or another thread with this object, holds it.
            LeaseLostError: It was acquired, and the answer came too late to be of use.
            StorageError: The record of the lease cannot be read, or is not what the store compares.
            ExternalServiceError: The store refused or did not answer.
        """
        with self._lock:
            if self.remaining_s and self._holding:
                raise held_error(self._holding.record, lease=self.name, left_s=self.remaining_s)
            start_s = self._clock()
            first: LeaseRecord | None = None
            while (found := self._attempt()) is not None:
                first = first or found
                if _has_waited(self._clock() - start_s, wait_s, first=first, found=found):
                    raise held_error(found, lease=self.name, left_s=self._sighting.left_s(found))
                self._clock.sleep(found.ttl_s / _LOOKS)
            return self.check()

    def held_for_s(self) -> float:
        """Look, and return the seconds for which another holder binds this process at most.

        The first look begins the time that `acquire` waits for, so that several leases of one
        holder can be waited for at once; 0 is a lease that is free, or held by this process.

        Raises:
            StorageError: The record of the lease cannot be read.
            ExternalServiceError: The store refused or did not answer.
        """
        with self._lock:
            _, found = self._look()
            return 0.0 if found is None or self._is_free(found) else self._sighting.left_s(found)

    def renew(self) -> None:
        """Extend the lease to a whole time to live from now on.

        Raises:
            LeaseLostError: It is not held any more; this process must stop what needs it.
            ExternalServiceError: The store refused or did not answer; the lease holds for
                `remaining_s`, so try again.
        """
        with self._lock:
            self.check()
            if not self._rewrite(renewed_at=self._clock.now()):
                self._holding = None
                raise lost_error(self.name, "another process has it, or its record is gone")
            self.check()

    def release(self) -> None:
        """Give the lease back, if it is still ours; never touches that of another process.

        Raises:
            ExternalServiceError: The store refused or did not answer. This process does not hold
                the lease any more, and may call `release` again; others wait for its end.
        """
        with self._lock:
            holding = self._holding
            if holding is None or holding.process != os.getpid():
                return
            self._holding = replace(holding, until_s=-math.inf)
            self._rewrite(is_released=True)
            self._holding = None

    def _attempt(self) -> LeaseRecord | None:
        """Take the lease if it is free; return the record of its holder if it is not."""
        for tries_left in reversed(range(_TRIES)):
            stored, found = self._look()
            if found is not None and not self._is_free(found):
                return found
            try:
                self._take(stored, found)
            except ConflictError:
                # Another process was faster, and the next look shows which one.
                if not tries_left:
                    raise
            else:
                return None
        raise AssertionError  # the last try returns or raises

    def _look(self) -> tuple[StoredObject | None, LeaseRecord | None]:
        stored = self._store.read()
        if stored is None:
            return None, None
        self._sighting.note(stored.etag)
        return stored, LeaseRecord.from_bytes(stored.data, lease=self.name)

    def _is_free(self, found: LeaseRecord) -> bool:
        """Tell whether the record that was just seen binds no other process."""
        is_ours = found.owner == self._owner
        return found.is_released or is_ours or not self._sighting.left_s(found)

    def _take(self, stored: StoredObject | None, found: LeaseRecord | None) -> None:
        now = self._clock.now()
        # At least the time of day in milliseconds, so that it also grows when a record was deleted.
        token = max(found.token + 1 if found else 1, int(now.timestamp() * 1000))
        record = LeaseRecord(
            holder=self.holder,
            owner=self._owner,
            token=token,
            ttl_s=self.ttl_s,
            write=secrets.token_hex(8),
            acquired_at=now,
            renewed_at=now,
        )
        self._write(record, expected=stored and stored.etag)

    def _rewrite(self, **changes: object) -> bool:
        """Write the record of our holding with `changes`; return whether it is still there."""
        holding = self._holding
        if holding is None:
            return False
        etag, record = holding.etag, holding.record
        for _ in range(_TRIES):
            new = record.model_copy(update={**changes, "write": secrets.token_hex(8)})
            with suppress(ConflictError):
                self._write(new, expected=etag)
                return True
            # It may be our own earlier write, whose answer was lost.
            stored, found = self._look()
            if stored is None or found is None:
                return False
            if (found.owner, found.token) != (record.owner, record.token):
                return False
            etag = stored.etag
        return False

    def _write(self, record: LeaseRecord, *, expected: str | None) -> None:
        sent_s = self._clock()
        etag = self._store.replace(record.to_bytes(), expected=expected)
        until_s = -math.inf if record.is_released else sent_s + _BELIEVED * record.ttl_s
        self._holding = _Holding(record=record, etag=etag, until_s=until_s, process=os.getpid())

    @property
    def _owner(self) -> str:
        # A forked process has the same object, and is another owner.
        return f"{self._id}-{os.getpid()}"


def _has_waited(
    waited_s: float, wait_s: float | None, *, first: LeaseRecord, found: LeaseRecord
) -> bool:
    """Tell whether a process has waited enough for a lease whose record changed to `found`."""
    if wait_s is not None:
        return waited_s >= wait_s
    # Twice: a store whose tags change by themselves must not make a process wait for ever.
    return found.write != first.write or waited_s > 2 * first.ttl_s

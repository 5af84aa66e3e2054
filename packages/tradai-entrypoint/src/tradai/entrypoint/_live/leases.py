"""Leases of a live session: one process for each account, and one for each trade database."""

import logging
import math
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final, Self, final
from urllib.parse import quote, urlsplit

from tradai.core import Lease, LoggerMixin, SystemClock, WaitingClock, digest, lease_for
from tradai.core.exceptions import (
    ExternalServiceError,
    LeaseHeldError,
    LeaseLostError,
    TradAIError,
    ValidationError,
)
from tradai.core.live import TradingAccount

_DIGITS: Final = 16
_log: Final = logging.getLogger(__name__)
# Looks of a process that waits, in one time to live.
_LOOKS: Final = 20


def lease_uris(place: str, *, account: TradingAccount, database: str) -> tuple[str, str]:
    """Return the URIs of the leases that one live process holds: of its account, of its database.

    The lease of an SQLite database lies beside it, so that it is one for all who can open the file
    and for no file of the same name on another machine.

    >>> account = TradingAccount(venue="binance", uid="1234567")
    >>> lease_uris("s3://leases/live", account=account, database="sqlite:////data/trades.sqlite")
    ('s3://leases/live/account-binance-d1ae36c95958fcb1', 'file:/data/trades.sqlite.lease')

    Args:
        place: URI under which the leases are, such as ``redis://host:6379/0``.
        account: The account.
        database: URL of the engine's database; user and password do not count.

    Raises:
        ValidationError: `database` is in memory, or not a URL.
    """
    of_account = _inside(place, f"account-{account.venue}-{_digest(str(account))}")
    scheme, _, rest = database.partition("://")
    if not scheme.startswith("sqlite"):
        return of_account, _inside(place, f"database-{_digest(_server_database(database))}")
    if not rest.strip("/"):
        expected = "one in a file, such as sqlite:////data/trades.sqlite"
        message = f"the trade database has no file: expected {expected}"
        raise ValidationError(message, field="database", expected=expected)
    return of_account, f"file:{quote(str(Path(rest[1:]).resolve()))}.lease"


@final
class HeldLeases(LoggerMixin):
    """Several leases, held together or not at all; a `KeptLease`."""

    def __init__(self, leases: Sequence[Lease], *, clock: WaitingClock | None = None) -> None:
        """Take leases that are not held yet, at least one, and a clock to wait by."""
        self._leases = tuple(leases)
        self._clock = clock or SystemClock()

    @classmethod
    def of(cls, uris: Sequence[str], *, holder: str, ttl_s: float) -> Self:
        """Return the leases at `uris`, for one `holder`; see `tradai.core.lease_for`."""
        return cls([lease_for(uri, holder=holder, ttl_s=ttl_s) for uri in uris])

    @property
    def ttl_s(self) -> float:
        """The shortest time to live."""
        return min(lease.ttl_s for lease in self._leases)

    @property
    def remaining_s(self) -> float:
        """Seconds for which all are sure."""
        return min(lease.remaining_s for lease in self._leases)

    def acquire(
        self, *, wait_s: float | None = None, say: Callable[[str], None] | None = None
    ) -> None:
        """Take all of them; when one cannot be had, give the others back.

        The leases of a process that was killed run out at the same time, and so they are waited
        for: that costs the time to live once.

        Args:
            wait_s: Seconds to wait while another holds one. By default until its holder is seen to
                renew it, or it runs out.
            say: Shows a person the lease that is waited for, and until when.

        Raises:
            LeaseHeldError: Another process holds one of them.
            LeaseLostError: One was acquired or renewed, and the answer came too late.
            ExternalServiceError: A store refused or did not answer.
        """
        waiting = _Waiting(self._clock, wait_s, say)
        try:
            while held := self._attempt():
                waiting.check(held)
                self._clock.sleep(self.ttl_s / _LOOKS)
        except BaseException:
            self.release()
            raise

    def renew(self) -> None:
        """Extend all of them.

        Raises:
            LeaseLostError: One is not held any more.
            TradAIError: A store refused or did not answer; `remaining_s` says how long the leases
                hold.
        """
        failure: TradAIError | None = None
        for lease in self._leases:
            try:
                lease.renew()
            except LeaseLostError:
                raise
            except TradAIError as exc:
                # The others are renewed, and one that is lost is worse news.
                failure = exc
        if failure is not None:
            raise failure

    def keep(self) -> None:
        """Extend all of them when one is sure for less than half its time to live; see `renew`."""
        if any(lease.remaining_s < lease.ttl_s / 2 for lease in self._leases):
            self.renew()

    def release(self) -> None:
        """Give all back, the last one first; one that cannot be given back ends by itself."""
        for lease in reversed(self._leases):
            try:
                lease.release()
            except ExternalServiceError as exc:
                facts = {"lease": lease.name, "error": str(exc)}
                self.logger.warning("lease not released", extra=facts)

    def _attempt(self) -> LeaseHeldError | None:
        """Keep and take leases up to the first that another process holds; return its error.

        None is taken before those in front of it are held: so of two processes one gets all. Those
        behind it are looked at, which begins the wait for them.
        """
        for number, lease in enumerate(self._leases, start=1):
            if lease.remaining_s:
                lease.renew()
                continue
            try:
                lease.acquire(wait_s=0.0)
            except LeaseHeldError as exc:
                for behind in self._leases[number:]:
                    behind.held_for_s()
                return exc
        return None


@final
class _Waiting:
    """The time that is spent on leases that other processes hold."""

    def __init__(
        self, clock: WaitingClock, wait_s: float | None, say: Callable[[str], None] | None
    ) -> None:
        """Start now; without `wait_s` a holder that renews ends the wait."""
        self._say = say
        self._clock = clock
        self._wait_s = wait_s
        self._start_s = clock()
        self._left_s: dict[str, float] = {}

    def check(self, held: LeaseHeldError) -> None:
        """Raise `held` if it is not worth waiting for."""
        is_new = held.lease not in self._left_s
        # The time that is left grows shorter, unless the holder lives and has renewed.
        is_renewed = held.retry_after_s >= self._left_s.get(held.lease, math.inf)
        is_over = self._wait_s is not None and self._clock() - self._start_s >= self._wait_s
        if is_over or (self._wait_s is None and is_renewed):
            raise held
        self._left_s[held.lease] = held.retry_after_s
        if is_new:
            self._announce(held)

    def _announce(self, held: LeaseHeldError) -> None:
        """Say for which lease this process waits, and until when."""
        _log.warning("waiting for a lease", extra={"lease": held.lease, "error": str(held)})
        if self._say is not None:
            end = self._clock.now() + timedelta(seconds=held.retry_after_s)
            self._say(
                f"waiting for the lease {held.lease}, which {held.holder} holds, until "
                f"{end:%H:%M:%S} UTC at the latest"
            )


def _inside(place: str, name: str) -> str:
    """Return the URI of `name` under `place`, which may end with options."""
    path, mark, options = place.partition("?")
    return f"{path.rstrip('/')}/{name}{mark}{options}"


def _server_database(url: str) -> str:
    parts = urlsplit(url)
    if not parts.hostname or not parts.path.strip("/"):
        expected = "sqlite:////folder/file or postgresql://host/name"
        raise ValidationError(
            f"the trade database is not named by a URL: expected {expected}",
            field="database",
            expected=expected,
        )
    return f"{parts.hostname}:{parts.port or ''}{parts.path}"


def _digest(text: str) -> str:
    return digest(text)[:_DIGITS]

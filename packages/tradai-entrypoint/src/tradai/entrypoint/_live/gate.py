"""The gate of live trading: who may trade is settled here, one condition after the other.

No signed request is sent before the approval counts, and the first one asks whose account the key
names. After that only signed reads are sent until the engine has started.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, final

from tradai.core import Clock, SystemClock
from tradai.core.live import Approval, LivePlan, TradingAccount
from tradai.entrypoint._live._account.account import AccountState, ApiKeys, SignedClient
from tradai.entrypoint._live._account.account_errors import KeyRefusedError
from tradai.entrypoint._live._account.order_owner import order_prefix
from tradai.entrypoint._live.leases import HeldLeases, lease_uris
from tradai.entrypoint._live.live_places import (
    approvals_of,
    keys_of,
    latch_of,
    newer_keys_of,
)
from tradai.entrypoint._live.live_settings import LiveSettings
from tradai.entrypoint._process.checks import Checklist, CheckRow
from tradai.entrypoint._process.exit_codes import ExitCode

# For a row that refuses, the command that brings a person on. A setting that is missing, or a
# store that does not answer, has its advice in its own sentence.
_APPROVE: Final = (
    "tradai-entrypoint approve CONFIG --approver NAME --expires-in 7d --largest-stake AMOUNT "
    "--order-policy keep --limit RISK:STEP=VALUE,..., the last one for each risk"
)
_COMMANDS: Final = {"confirmation": _APPROVE, "approval": _APPROVE}


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Venue:
    """An exchange, and the way to sign in to it."""

    name: str
    sign_in: Callable[[ApiKeys], SignedClient]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """An account that the configured key names.

    Attributes:
        keys: The key.
        client: Client that signs with it.
        state: The account as it was at the first read.
        account: Its name.
        order_prefix: Beginning of the client order id of each order of the session.
    """

    keys: ApiKeys
    client: SignedClient
    state: AccountState
    account: TradingAccount
    order_prefix: str


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """The approval of a plan, and the account that it is for."""

    approval: Approval
    signed_in: SignedIn


@final
@dataclass(slots=True, kw_only=True)
class Found:
    """The approval and the account that a check has found."""

    approval: Approval | None = None
    signed_in: SignedIn | None = None


@final
class Gate:
    """Conditions of one live session."""

    def __init__(
        self,
        settings: LiveSettings,
        plan: LivePlan,
        venue: Venue,
        *,
        clock: Clock | None = None,
    ) -> None:
        """Take the settings, the plan and the exchange; nothing is asked yet."""
        self._settings = settings
        self._plan = plan
        self._venue = venue
        self._clock = clock or SystemClock()

    def admit(self) -> Admission:
        """Let the plan in: its confirmation, its approval, and the account of the key.

        Raises:
            ApprovalError: It is not confirmed, no approval counts, or it is for another account.
            ConfigurationError: A setting is missing, or the exchange refuses the key.
            NotFoundError: A secret does not exist.
            ExternalServiceError: A store or the exchange refused or did not answer.
        """
        self.check_confirmation()
        self.require_approval()
        signed_in = self.sign_in()
        # The plan may be approved for several accounts.
        approval = self.require_approval(signed_in.account)
        return Admission(approval=approval, signed_in=signed_in)

    def confirm(self, admission: Admission) -> Admission:
        """Return `admission` by the approval that counts now, after a lease was waited for.

        Raises:
            ApprovalError: None counts any more, or it is for another account.
            ConfigurationError: The key of approvals cannot be resolved.
            ExternalServiceError: The store refused or did not answer.
        """
        approval = self.require_approval()
        approval.check_account(admission.signed_in.account)
        return replace(admission, approval=approval)

    def check_confirmation(self) -> str:
        """Check that the operator has confirmed this plan, and return its confirmation.

        Raises:
            ApprovalError: The confirmation is absent or that of another plan.
        """
        self._plan.check_confirmation(self._settings.confirm)
        return self._plan.confirmation

    def require_approval(self, account: TradingAccount | None = None) -> Approval:
        """Return the approval that counts, for `account` once it is known.

        Raises:
            ApprovalError: None does.
            ConfigurationError: The place of approvals is not set, or its key cannot be resolved.
            ExternalServiceError: The store refused or did not answer.
        """
        return approvals_of(self._settings, clock=self._clock).require(self._plan, account=account)

    def sign_in(self) -> SignedIn:
        """Resolve the keys, and ask whose account they name.

        Keys that the exchange refuses are reported to their source once; newer ones are tried.

        Raises:
            ConfigurationError: They are not set, or the exchange refuses them.
            NotFoundError: A secret does not exist.
            ExternalServiceError: The exchange did not answer.
        """
        keys = keys_of(self._settings)
        try:
            return self._sign_in(keys)
        except KeyRefusedError:
            newer = newer_keys_of(self._settings, keys)
            if newer is None:
                raise
        return self._sign_in(newer)

    def _sign_in(self, keys: ApiKeys) -> SignedIn:
        client = self._venue.sign_in(keys)
        state = client.reads.fetch_account()
        account = TradingAccount(venue=self._venue.name, uid=state.uid)
        return SignedIn(
            keys=keys,
            client=client,
            state=state,
            account=account,
            order_prefix=order_prefix(account, self._plan.strategy),
        )

    def check_latch(self) -> None:
        """Check that no halt stands.

        Raises:
            HaltedError: One does, or the latch cannot be read.
            ConfigurationError: Its place is not set.
            ExternalServiceError: The store refused or did not answer.
        """
        latch_of(self._settings).check()

    @contextmanager
    def held(
        self,
        account: TradingAccount,
        database: str,
        *,
        holder: str,
        ttl_s: float,
        say: Callable[[str], None] | None = None,
    ) -> Iterator[HeldLeases]:
        """Hold the leases of `account` and `database` inside the block, with no halt at first.

        Args:
            account: The account.
            database: URL of the engine's database.
            holder: This process, for the message of another one.
            ttl_s: Time to live of the leases.
            say: Shows a person the lease that is waited for.

        Raises:
            LeaseHeldError: Another process holds one.
            HaltedError: A halt stands.
            ConfigurationError: A place is not set.
            ExternalServiceError: A store refused or did not answer.
        """
        uris = lease_uris(self._settings.place("lease"), account=account, database=database)
        leases = HeldLeases.of(uris, holder=holder, ttl_s=ttl_s)
        leases.acquire(say=say)
        try:
            self.check_latch()
            yield leases
        finally:
            leases.release()

    def rows(self, found: Found) -> Iterator[CheckRow]:
        """Yield a row per condition; each is tried on its own, and nothing is taken.

        Args:
            found: Receives the approval and the account, where there are any.
        """

        def approve() -> str:
            found.approval = approval = self.require_approval()
            return f"by {approval.approver}, until {approval.expires_at:%Y-%m-%d %H:%M} UTC"

        def sign_in() -> str:
            found.signed_in = self.sign_in()
            if found.approval is not None:
                found.approval = self.require_approval(found.signed_in.account)
            return str(found.signed_in.account)

        yield _row("confirmation", self.check_confirmation)
        yield _row("approval", approve)
        yield _row("account", sign_in)
        for name in ("latch", "lease", "sessions"):
            yield _row(name, partial(self._settings.place, name))
        yield _row("databases", lambda: str(self._settings.database_place()))


def _row(name: str, check: Callable[[], str]) -> CheckRow:
    """Return the row of a check; one that refuses names the next command."""
    row = Checklist().row(name, check)
    if row.exit_code is not ExitCode.NOT_PERMITTED or name not in _COMMANDS:
        return row
    return replace(row, detail=f"{row.detail} (`{_COMMANDS[name]}`)")

"""Checks of the account before an engine is started, and the rows that they make."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Final, final

from tradai.core.exceptions import TradingError
from tradai.core.live import Approval, OrderPolicy
from tradai.entrypoint._live.account import AccountState, ExchangeOrder, KeyRights
from tradai.entrypoint._live.order_owner import is_ours
from tradai.entrypoint._process.checks import Checklist, CheckRow, CheckStatus

_LARGEST_OFFSET_S: Final = 2.0


@final
class CheckFailedError(TradingError):
    """A check keeps the session from starting; the exit code is that of the first one."""

    code = "check_failed"

    def __init__(self, rows: Sequence[CheckRow], /) -> None:
        """Name every one of `rows`."""
        sentences = "; ".join(f"{row.name}: {row.detail}" for row in rows)
        super().__init__(f"the session may not start: {sentences}", reason=rows[0].name)
        self.exit_code = int(rows[0].exit_code)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class StartFacts:
    """Everything that the checks judge.

    Attributes:
        account: The account.
        rights: Rights of its key.
        open_orders: Open orders of all its clients.
        clock_offset_s: Seconds by which this machine's clock is behind the exchange's.
        symbols: The exchange's names of the traded markets.
        order_prefix: Beginning of the ids of our orders.
        stake: Stake of one trade, in the stake currency; None when the strategy decides it.
        approval: The approval; None in a check without one.
    """

    account: AccountState
    rights: KeyRights
    open_orders: tuple[ExchangeOrder, ...]
    clock_offset_s: float
    symbols: frozenset[str]
    order_prefix: str
    stake: Decimal | None
    approval: Approval | None


def preflight_rows(facts: StartFacts) -> Iterator[CheckRow]:
    """Yield a row per check; each is tried on its own."""
    for name, check in _CHECKS.items():
        yield Checklist().row(name, partial(check, facts))
    for name, judge in _CHECKS_OF_APPROVAL.items():
        if facts.approval is None:
            detail = "there is no approval to compare with"
            yield CheckRow(name=name, status=CheckStatus.SKIP, detail=detail)
        else:
            yield Checklist().row(name, partial(judge, facts, facts.approval))


def require_ok(rows: Sequence[CheckRow]) -> None:
    """Let a session start when every check is ok: one that was skipped or warns has failed.

    Raises:
        CheckFailedError: Some check is not ok; all of them are named.
    """
    refused = [row for row in rows if row.status is not CheckStatus.OK]
    if refused:
        raise CheckFailedError(refused)


def _check_account(facts: StartFacts) -> str:
    if not facts.account.may_trade:
        raise _refusal("the exchange does not let the account trade", reason="account")
    return "it may trade"


def _check_rights(facts: StartFacts) -> str:
    if facts.rights.problems:
        advice = "make a key that may read and trade on the spot market, and nothing else"
        raise _refusal(f"{'; '.join(facts.rights.problems)}: {advice}", reason="key_rights")
    return "it may read and trade, and nothing else"


def _check_clock(facts: StartFacts) -> str:
    offset_s = facts.clock_offset_s
    # Also refuses NaN.
    if not abs(offset_s) <= _LARGEST_OFFSET_S:
        message = (
            f"this machine's clock is {offset_s:+.1f} s from the exchange's, the most is "
            f"{_LARGEST_OFFSET_S:g} s: set it, for example with chrony"
        )
        raise _refusal(message, reason="clock")
    return f"{offset_s:+.2f} s from the exchange's"


def _check_open_orders(facts: StartFacts) -> str:
    here = [order for order in facts.open_orders if order.symbol in facts.symbols]
    foreign = [row for row in here if not is_ours(row.client_order_id, facts.order_prefix)]
    if foreign:
        named = ", ".join(f"{order.order_id} ({order.symbol})" for order in foreign)
        message = f"another program or person has open orders on our pairs: {named}; cancel them"
        raise _refusal(message, reason="open_orders")
    return f"{len(here)} open orders of this session, none of others"


def _check_stake(facts: StartFacts, approval: Approval) -> str:
    stake = facts.stake
    if stake is None:
        message = (
            "the strategy or the balance decides the stake of a trade, so that the approved "
            "largest stake could not be kept: set execution.stake_amount to an amount, and leave "
            "out custom_stake_amount and position adjustment"
        )
        raise _refusal(message, reason="stake")
    if stake > approval.largest_stake:
        message = f"the stake is {stake:f}, the approved largest one {approval.largest_stake:f}"
        raise _refusal(f"{message}: lower it, or approve a larger one", reason="stake")
    return f"{stake:f} {approval.stake_currency}, up to {approval.largest_stake:f} is approved"


def _check_order_policy(_: StartFacts, approval: Approval) -> str:
    policy = approval.order_policy
    if policy is not OrderPolicy.KEEP:
        message = (
            f"the approved policy is {policy}: this version keeps open orders at a stop; approve "
            "the plan again with the policy keep"
        )
        raise _refusal(message, reason="order_policy")
    return "open orders stay at the exchange"


def _refusal(message: str, *, reason: str) -> TradingError:
    return TradingError(message, reason=reason)


_CHECKS: Final[dict[str, Callable[[StartFacts], str]]] = {
    "account rights": _check_account,
    "key rights": _check_rights,
    "clock": _check_clock,
    "open orders": _check_open_orders,
}
_CHECKS_OF_APPROVAL: Final[dict[str, Callable[[StartFacts, Approval], str]]] = {
    "stake": _check_stake,
}

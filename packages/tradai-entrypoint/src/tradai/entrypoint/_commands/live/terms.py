"""Terms of an approval, from the command line."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, Self, final

from pydantic import ValidationError as InvalidModelError

from tradai.core import Timeframe, error_sentence
from tradai.core.exceptions import ConfigurationError, ValidationError
from tradai.core.live import Approval, OrderPolicy, RiskLimit, RiskMeasure
from tradai.entrypoint.freqtrade import PlannedSession

_STEPS: Final = frozenset({"release", "pause", "drain", "halt"})
_EXAMPLE: Final = "drawdown:release=0.03,pause=0.05,halt=0.1"

# A loss is a share of the equity; no session has a million events in an hour.
_LOSSES: Final = frozenset({RiskMeasure.DRAWDOWN, RiskMeasure.DAILY_LOSS})
_MOST_LOSS: Final = 1
_MOST_EVENTS: Final = 1_000_000


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalTerms:
    """Terms that the approver sets.

    Attributes:
        lasts: Time until the approval expires.
        without_bias_check: Reason to approve without a clean check for bias.
    """

    approver: str
    lasts: timedelta
    largest_stake: str
    order_policy: OrderPolicy
    risk_limits: dict[RiskMeasure, RiskLimit]
    without_bias_check: str | None

    @classmethod
    def of(cls, args: argparse.Namespace) -> Self:
        """Read the flags of `approve`.

        Raises:
            ConfigurationError: A flag is not usable.
        """
        return cls(
            approver=args.approver,
            lasts=_duration(args.expires_in),
            largest_stake=args.largest_stake,
            order_policy=OrderPolicy(args.order_policy),
            risk_limits=_limits(args.limit),
            without_bias_check=args.without_bias_check,
        )

    def approval_of(self, session: PlannedSession, *, now: datetime) -> Approval:
        """Return the approval of `session` under these terms.

        Raises:
            ConfigurationError: A term is not usable; all of them are named.
        """
        try:
            return Approval.model_validate(
                {
                    "plan": session.plan,
                    "account": session.account,
                    "approver": self.approver,
                    "approved_at": now,
                    "expires_at": now + self.lasts,
                    "stake_currency": session.stake_currency,
                    "largest_stake": self.largest_stake,
                    "risk_limits": self.risk_limits,
                    "order_policy": self.order_policy,
                    "without_bias_check": self.without_bias_check,
                }
            )
        except InvalidModelError as exc:
            problems = [
                f"{'.'.join(map(str, error['loc'])) or 'the terms'}: {error_sentence(error)}"
                for error in exc.errors(include_url=False)
            ]
        raise ConfigurationError(f"this cannot be approved: {'; '.join(problems)}")


def _duration(text: str) -> timedelta:
    try:
        seconds = Timeframe(text).seconds
    except ValidationError:
        seconds = None
    if seconds is None:
        message = f"--expires-in {text} is not a duration: expected one such as 12h or 7d"
        raise ConfigurationError(message, key="--expires-in")
    return timedelta(seconds=seconds)


def _limits(texts: Sequence[str]) -> dict[RiskMeasure, RiskLimit]:
    """Read the limits, of which each measure has one."""
    limits: dict[RiskMeasure, RiskLimit] = {}
    for measure, limit in map(_limit, texts):
        if measure in limits:
            message = f"--limit is given twice for {measure}: give one, with all of its steps"
            raise ConfigurationError(message, key="--limit")
        _require_effect(measure, limit)
        limits[measure] = limit
    return limits


def _require_effect(measure: RiskMeasure, limit: RiskLimit) -> None:
    """Refuse a step that no reading can reach: it would look like a guard."""
    most = _MOST_LOSS if measure in _LOSSES else _MOST_EVENTS
    steps = (limit.pause, limit.drain, limit.halt)
    if any(step is not None and step > most for step in steps):
        message = f"--limit {measure} would never act: expected at most {most} for each step"
        raise ConfigurationError(message, key="--limit")


def _limit(text: str) -> tuple[RiskMeasure, RiskLimit]:
    """Read a limit such as ``drawdown:release=0.03,pause=0.05,halt=0.1``."""
    name, _, rest = text.partition(":")
    pairs = [step.partition("=")[::2] for step in rest.split(",")]
    try:
        measure = RiskMeasure(name)
        values = {step: Decimal(value) for step, value in pairs}
        if len(values) == len(pairs) and values.keys() <= _STEPS:
            return measure, RiskLimit(**values)
    # Of an unknown measure, of text that is no number, and of values that contradict each other.
    except (ValueError, ArithmeticError):
        pass
    measures = ", ".join(RiskMeasure)
    message = (
        f"--limit {text} is not usable: expected one such as {_EXAMPLE}, with 0 <= release < pause "
        f"<= drain <= halt, for each of {measures}"
    )
    raise ConfigurationError(message, key="--limit")

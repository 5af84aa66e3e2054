"""`Approval`: the permission to trade one plan on one account, until an instant."""

import operator
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Literal, Self, cast, final

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError as InvalidModelError,
    field_validator,
    model_validator,
)

from tradai.core._approvals.plan import Line, LivePlan, Sha256
from tradai.core._approvals.refusals import ApprovalRefusal, refusal
from tradai.core._approvals.risk_limits import RiskLimit, RiskMeasure, check_risk_limits
from tradai.core._documents.canonical import canonical_json
from tradai.core._documents.json_values import FrozenMapping
from tradai.core._numbers.decimals import Price
from tradai.core._time.instants import Utc
from tradai.core._types.symbols import Currency
from tradai.core.exceptions import ValidationError


@final
class OrderPolicy(StrEnum):
    """Treatment of open orders and positions when a live session stops."""

    KEEP = "keep"
    CANCEL_ENTRIES = "cancel-entries"
    CANCEL_ALL = "cancel-all"
    FLATTEN = "flatten"


@final
class TradingAccount(BaseModel):
    """An account by its venue and the uid that the venue gave it, whatever keys it has.

    >>> str(TradingAccount(venue="binance", uid="1234567"))
    'binance:1234567'
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    venue: Line
    uid: Line

    def __str__(self) -> str:
        """Return venue and uid."""
        return f"{self.venue}:{self.uid}"


@final
class Approval(BaseModel):
    """The permission of a person to trade one plan on one account, until an instant.

    A live session runs under the limits and the order policy that stand here, and has them from
    nowhere else.

    Attributes:
        format: Version of the format.
        plan: The plan that was approved.
        account: The account it may trade on.
        approver: Person who approved it.
        approved_at: Instant of the approval.
        expires_at: Instant from which it does not count any more.
        stake_currency: Currency of the stakes.
        largest_stake: Largest stake of one trade, in `stake_currency`.
        risk_limits: Limit of every measure of a risk, at which the session pauses, drains or
            halts.
        order_policy: Treatment of open orders and positions at a stop.
        without_bias_check: Reason to trade a source that was not found free of bias; left out of
            the record of one that was.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    format: Literal[1] = 1
    plan: LivePlan
    account: TradingAccount
    approver: Line
    approved_at: Utc
    expires_at: Utc
    stake_currency: Currency
    largest_stake: Price
    risk_limits: Mapping[RiskMeasure, RiskLimit]
    order_policy: OrderPolicy
    without_bias_check: Line | None = Field(default=None, exclude_if=operator.not_)

    def check_plan(self, plan: LivePlan, *, now: datetime) -> None:
        """Refuse another plan, and an approval that does not count at `now`.

        Raises:
            ApprovalError: The plan differs, or the approval has expired or begins later.
        """
        what = plan.strategy
        differences = self.plan.differences(plan)
        if differences:
            raise refusal(ApprovalRefusal.PLAN_DIFFERS, what=what, differences=differences)
        if now < self.approved_at:
            raise refusal(ApprovalRefusal.NOT_YET_VALID, what=what, at=self.approved_at)
        if now >= self.expires_at:
            raise refusal(ApprovalRefusal.EXPIRED, what=what, at=self.expires_at)

    def check_account(self, account: TradingAccount) -> None:
        """Refuse another account than the approved one.

        Raises:
            ApprovalError: Venue or uid differ; neither is shown.
        """
        differences = [name for name, value in self.account if value != getattr(account, name)]
        if differences:
            what = self.plan.strategy
            raise refusal(ApprovalRefusal.ACCOUNT_DIFFERS, what=what, differences=differences)

    @field_validator("risk_limits")
    @classmethod
    def _require_limits(
        cls, limits: Mapping[RiskMeasure, RiskLimit]
    ) -> Mapping[RiskMeasure, RiskLimit]:
        check_risk_limits(limits)
        # A measure is text, and mappings are invariant in their keys.
        frozen = FrozenMapping(cast("Mapping[str, RiskLimit]", limits))
        return cast("Mapping[RiskMeasure, RiskLimit]", frozen)

    @model_validator(mode="after")
    def _require_a_duration(self) -> Self:
        if self.expires_at > self.approved_at:
            return self
        expected = "an instant after approved_at"
        message = f"an approval ends before it begins: expected {expected}"
        raise ValidationError(message, field="expires_at", expected=expected)


@final
class Revocation(BaseModel):
    """The end of an approval before its expiry.

    Attributes:
        format: Version of the format.
        approval_id: Digest of the approval.
        revoked_by: Person who revoked it.
        reason: Reason, for people.
        revoked_at: Instant of the revocation.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    format: Literal[1] = 1
    approval_id: Sha256
    revoked_by: Line
    reason: Line
    revoked_at: Utc

    @classmethod
    def from_bytes(cls, data: bytes) -> Self | None:
        """Return the revocation in `data`; None when it cannot be read, which revokes as well."""
        try:
            return cls.model_validate_json(data)
        except InvalidModelError:
            return None

    def to_bytes(self) -> bytes:
        """Return the canonical JSON of the revocation."""
        return canonical_json(self.model_dump(mode="json"))

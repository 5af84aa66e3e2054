"""Reasons to refuse an approval, and the errors with their sentences."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final, final

from tradai.core.exceptions import ApprovalError


@final
class ApprovalRefusal(StrEnum):
    """Reason why live trading is not approved, from the least to the most telling.

    Where several approvals are refused, the error has the most telling reason.
    """

    ABSENT = "absent"
    PLAN_DIFFERS = "plan_differs"
    UNSIGNED = "unsigned"
    EDITED = "edited"
    FORGED = "forged"
    NOT_YET_VALID = "not_yet_valid"
    EXPIRED = "expired"
    REVOKED = "revoked"
    ACCOUNT_DIFFERS = "account_differs"
    UNCONFIRMED = "unconfirmed"


_SENTENCES: Final = {
    ApprovalRefusal.ABSENT: "it has no approval; approve it",
    ApprovalRefusal.PLAN_DIFFERS: "its approval is for another plan, with a different {}; go back "
    "to the approved plan, or approve this one",
    ApprovalRefusal.UNSIGNED: "its approval is unsigned or there is no key to verify it with; "
    "set TRADAI_LIVE_APPROVAL_KEY to the reference of the key, or allow unsigned approvals by name",
    ApprovalRefusal.EDITED: "its approval was changed after it was written; find out who changed "
    "it, and approve the plan again",
    ApprovalRefusal.FORGED: "its approval was not signed with the configured key; find out who "
    "wrote it, and approve the plan again",
    ApprovalRefusal.NOT_YET_VALID: "its approval begins later, at {}; set the clock of this "
    "machine, or approve the plan again",
    ApprovalRefusal.EXPIRED: "its approval expired at {}; approve it again",
    ApprovalRefusal.REVOKED: "its approval was revoked; approve it again once the reason is gone",
    ApprovalRefusal.ACCOUNT_DIFFERS: "its approval is for another account, with a different {}; "
    "use the keys of the approved account, or approve this one",
    ApprovalRefusal.UNCONFIRMED: "TRADAI_LIVE_CONFIRM does not confirm it, as it names another "
    "{}; compare the plan with the approved one, and set the variable to the confirmation of "
    "this plan",
}

_RUN: Final = "; run is what the engine is given, such as run.exchange_url"
_NOT_SET: Final = (
    "TRADAI_LIVE_CONFIRM is not set; compare the plan with the approved one, and set the variable "
    "to the confirmation of this plan, as `tradai-entrypoint approve` prints it"
)


def refusal(
    reason: ApprovalRefusal,
    *,
    what: str,
    differences: Sequence[str] = (),
    at: datetime | None = None,
) -> ApprovalError:
    """Return the error of `what`, which may not trade live.

    Args:
        reason: Reason of the refusal.
        what: Name of a strategy, or of an approval.
        differences: Names of the parts that differ; none of a confirmation that is not set.
        at: Instant at which the approval begins or expired.
    """
    detail = f"{at:%Y-%m-%d %H:%M:%S} UTC" if at else ", ".join(differences)
    sentence = _SENTENCES[reason].format(detail)
    if reason is ApprovalRefusal.UNCONFIRMED and not differences:
        sentence = _NOT_SET
    if reason is ApprovalRefusal.PLAN_DIFFERS and "run" in differences:
        sentence += _RUN
    message = f"{what} may not trade live: {sentence}"
    return ApprovalError(message, reason=reason, differences=tuple(differences))

"""`ListedApproval`: an approval of a store, and whether it counts."""

from dataclasses import dataclass
from typing import final

from tradai.core._approvals.record import Approval, Revocation
from tradai.core.exceptions import ApprovalError


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ListedApproval:
    """An approval that a store has, and whether it counts now for its own plan.

    Attributes:
        approval_id: Id under which the store has it.
        approval: The approval; None when it was changed after it was written.
        is_signed: Whether it has a signature, valid or not.
        is_revoked: Whether it was revoked.
        revocation: The revocation; None without one, or when it cannot be read.
        refusal: Reason why it does not count; None when it counts.
    """

    approval_id: str
    approval: Approval | None
    is_signed: bool
    is_revoked: bool
    revocation: Revocation | None
    refusal: ApprovalError | None

    @property
    def counts(self) -> bool:
        """Whether a session of its plan, on its account, may trade by it now."""
        return self.refusal is None

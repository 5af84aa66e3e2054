"""An approval as text and JSON, and the one that an operator names."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from tradai.core.exceptions import NotFoundError, ValidationError
from tradai.core.live import Approvals, ListedApproval, RiskLimit


def find_approval(approvals: Approvals, strategy: str, prefix: str) -> ListedApproval:
    """Return the approval of `strategy` whose id begins with `prefix`.

    Raises:
        NotFoundError: There is none.
        ValidationError: There are several.
        ExternalServiceError: The store refused or did not answer.
    """
    listing = approvals.listing(strategy)
    matches = [listed for listed in listing if prefix and listed.approval_id.startswith(prefix)]
    if not matches:
        message = f"{strategy} has no approval {prefix}: `approvals list {strategy}` lists them"
        raise NotFoundError(message, kind="approval", key=prefix)
    if len(matches) > 1:
        expected = "more digits of one id"
        ids = ", ".join(listed.approval_id for listed in matches)
        message = f"{prefix} is the beginning of several approvals: {ids}; expected {expected}"
        raise ValidationError(message, field="approval", expected=expected)
    return matches[0]


def approval_json(listed: ListedApproval) -> dict[str, object]:
    """Return the record, its signature, whether it counts and why not."""
    approval, revocation, refusal = listed.approval, listed.revocation, listed.refusal
    return {
        "approval_id": listed.approval_id,
        "counts": listed.counts,
        "reason": refusal and refusal.reason,
        "sentence": refusal and str(refusal),
        "is_signed": listed.is_signed,
        "is_revoked": listed.is_revoked,
        "revocation": revocation and revocation.model_dump(mode="json", exclude={"format"}),
        "approval": approval and approval.model_dump(mode="json", exclude={"format"}),
        "confirmation": approval and approval.plan.confirmation,
    }


def counts_text(listed: ListedApproval) -> str:
    """Return whether it counts, or in a word why not."""
    return "yes" if listed.refusal is None else f"no: {listed.refusal.reason.replace('_', ' ')}"


def rows_with_counts(
    listing: Sequence[ListedApproval],
) -> Iterator[tuple[ListedApproval, str]]:
    """Yield each approval of a list, newest first, with whether it counts and is used.

    Of several that count for a plan and an account, a session uses the newest.
    """
    used: set[tuple[str, str]] = set()
    for listed in listing:
        text = counts_text(listed)
        if listed.counts and listed.approval:
            key = (listed.approval.plan.digest, str(listed.approval.account))
            text = "yes, but a newer one is used" if key in used else text
            used.add(key)
        yield listed, text


def limit_text(limit: RiskLimit) -> str:
    """Return the steps of a limit, such as ``pause 0.05, halt 0.1``."""
    steps = ((step, getattr(limit, step)) for step in ("release", "pause", "drain", "halt"))
    return ", ".join(f"{step} {value:f}" for step, value in steps if value is not None)


def instant_text(at: datetime) -> str:
    """Return an instant for people."""
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"

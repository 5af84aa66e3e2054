"""`Approvals`: approve, revoke, and find the approval of a plan, in a store."""

from collections.abc import Sequence
from math import inf
from typing import Final, final

from tradai.core._approvals.listed import ListedApproval
from tradai.core._approvals.plan import LivePlan
from tradai.core._approvals.record import Approval, Revocation, TradingAccount
from tradai.core._approvals.refusals import ApprovalRefusal, refusal
from tradai.core._approvals.signed_record import SignedApproval
from tradai.core._ports.protocols import ApprovalEntry, ApprovalStore, Clock, SecretSource
from tradai.core._ports.resolve_secret import resolve_secret
from tradai.core._secrets.redaction import redact
from tradai.core._secrets.reference import SecretReference
from tradai.core._secrets.secret import Secret
from tradai.core._time.clock import SystemClock
from tradai.core.exceptions import ApprovalError, ConflictError, NotFoundError, ValidationError

_TELLING: Final = tuple(ApprovalRefusal)
_TAMPERED: Final = {str(ApprovalRefusal.EDITED), str(ApprovalRefusal.FORGED)}


@final
class Approvals:
    """The approvals in a store, signed and verified with one key.

    The key is resolved at each call, so it may be rotated; approvals that the old key signed are
    refused then.
    """

    def __init__(
        self,
        store: ApprovalStore,
        *,
        key: SecretReference | None = None,
        allow_unsigned: bool = False,
        source: SecretSource | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Use the approvals in `store`; nothing is asked yet.

        Args:
            store: Place of the approvals.
            key: Reference of the key, a text of at least 32 bytes that those who may write to the
                store do not have.
            allow_unsigned: Whether to trade by unsigned approvals; only without a key.
            source: Source to ask for the key; by default the installed source for its scheme.
            clock: Clock that decides what has expired; by default that of this machine.
        """
        self._store = store
        self._key = key
        self._allow_unsigned = allow_unsigned
        self._source = source
        self._clock = clock or SystemClock()

    def approve(self, approval: Approval) -> str:
        """Sign and store `approval`, and return its id: its digest.

        Without a key it is stored unsigned. Storing the same approval again changes nothing.

        Raises:
            ConflictError: The store has it already with another signature.
            ConfigurationError: The key cannot be resolved or is too short.
            ValidationError: The approver looks like a secret.
            ExternalServiceError: The store refused or did not answer.
        """
        _refuse_secret(approval.approver, field="approver")
        signed = SignedApproval.sign(approval, self._resolved_key())
        self._store.add(
            ApprovalEntry(
                strategy=approval.plan.strategy,
                approval_id=signed.digest,
                kind="approval",
                data=signed.to_bytes(),
            )
        )
        return signed.digest

    def revoke(self, strategy: str, approval_id: str, *, revoked_by: str, reason: str) -> None:
        """End an approval for good; revoking it again changes nothing.

        Raises:
            NotFoundError: The store has no such approval.
            ValidationError: A text is empty, too long, or looks like a secret.
            ExternalServiceError: The store refused or did not answer.
        """
        entries = self._store.entries(strategy)
        kinds = {entry.kind for entry in entries if entry.approval_id == approval_id}
        if "approval" not in kinds:
            message = f"{strategy} has no approval of this id; list its approvals"
            raise NotFoundError(message, kind="approval", key=approval_id)
        if "revocation" in kinds:
            return
        _refuse_secret(revoked_by, field="revoked_by")
        _refuse_secret(reason, field="reason")
        revocation = Revocation(
            approval_id=approval_id,
            revoked_by=revoked_by,
            reason=reason,
            revoked_at=self._clock.now(),
        )
        self._add_revocation(strategy, revocation)

    def require(self, plan: LivePlan, *, account: TradingAccount | None = None) -> Approval:
        """Return the newest approval of `plan` that counts now.

        Args:
            plan: The plan.
            account: The account that it must be for; without one, its account is still to compare.

        Raises:
            ApprovalError: No approval counts. Its `reason` is that of the approval that came
                closest.
            ConfigurationError: The key cannot be resolved or is too short.
            ExternalServiceError: The store refused or did not answer.
        """
        entries = self._store.entries(plan.strategy)
        revoked = {entry.approval_id for entry in entries if entry.kind == "revocation"}
        key = self._resolved_key()
        valid: list[Approval] = []
        refusals = [refusal(ApprovalRefusal.ABSENT, what=plan.strategy)]
        for entry in (entry for entry in entries if entry.kind == "approval"):
            try:
                approval = self._verify(entry, plan, key=key, revoked=revoked)
                if account is not None:
                    approval.check_account(account)
            except ApprovalError as exc:
                refusals.append(exc)
            else:
                valid.append(approval)
        if not valid:
            raise _most_telling(refusals, what=plan.strategy)
        return max(valid, key=lambda approval: approval.approved_at)

    def listing(self, strategy: str) -> tuple[ListedApproval, ...]:
        """Return all approvals of `strategy`, newest first; those that cannot be read come last.

        Raises:
            ConfigurationError: The key cannot be resolved or is too short.
            ValidationError: `strategy` is not a name of a strategy.
            ExternalServiceError: The store refused or did not answer.
        """
        entries = self._store.entries(strategy)
        revocations = {entry.approval_id: entry for entry in entries if entry.kind == "revocation"}
        key = self._resolved_key()
        found = [
            self._listed(entry, key=key, revocation=revocations.get(entry.approval_id))
            for entry in entries
            if entry.kind == "approval"
        ]
        return tuple(sorted(found, key=_age))

    def _listed(
        self, entry: ApprovalEntry, *, key: Secret | None, revocation: ApprovalEntry | None
    ) -> ListedApproval:
        signed = reason = None
        try:
            signed = SignedApproval.from_bytes(entry.data, what=entry.strategy)
            plan = signed.approval.plan
            revoked = {entry.approval_id} if revocation else set[str]()
            self._verify(entry, plan, key=key, revoked=revoked)
        except ApprovalError as exc:
            reason = exc
        return ListedApproval(
            approval_id=entry.approval_id,
            approval=signed and signed.approval,
            is_signed=signed is not None and signed.hmac is not None,
            is_revoked=revocation is not None,
            revocation=revocation and Revocation.from_bytes(revocation.data),
            refusal=reason,
        )

    def _verify(
        self, entry: ApprovalEntry, plan: LivePlan, *, key: Secret | None, revoked: set[str]
    ) -> Approval:
        signed = SignedApproval.from_bytes(entry.data, what=plan.strategy)
        # Under another id, a revoked approval would count again.
        if entry.approval_id != signed.digest:
            raise refusal(ApprovalRefusal.EDITED, what=plan.strategy)
        signed.check_signature(key, allow_unsigned=self._allow_unsigned)
        signed.approval.check_plan(plan, now=self._clock.now())
        if signed.digest in revoked:
            raise refusal(ApprovalRefusal.REVOKED, what=plan.strategy)
        return signed.approval

    def _add_revocation(self, strategy: str, revocation: Revocation) -> None:
        entry = ApprovalEntry(
            strategy=strategy,
            approval_id=revocation.approval_id,
            kind="revocation",
            data=revocation.to_bytes(),
        )
        try:
            self._store.add(entry)
        except ConflictError:
            # Another process has revoked it at the same time.
            return

    def _resolved_key(self) -> Secret | None:
        return None if self._key is None else resolve_secret(self._key, source=self._source)


def _age(listed: ListedApproval) -> tuple[float, str]:
    """Return the key that sorts the newest approval first."""
    approval = listed.approval
    return -approval.approved_at.timestamp() if approval else inf, listed.approval_id


def _most_telling(refusals: Sequence[ApprovalError], *, what: str) -> ApprovalError:
    """Return the refusal that came closest; it also names an approval that was tampered with."""
    closest = max(refusals, key=_telling)
    reasons = {error.reason for error in refusals}
    hidden = sorted(reasons & _TAMPERED) if closest.reason not in _TAMPERED else []
    if not hidden:
        return closest
    message = (
        f"{closest}; beside it, an approval is {' and one is '.join(hidden)}: find out by whom, "
        f"`tradai-entrypoint approvals list {what}` names it"
    )
    return ApprovalError(message, reason=closest.reason, differences=closest.differences)


def _telling(error: ApprovalError) -> tuple[int, int]:
    """Return the rank of a refusal; of several other plans, the most similar one ranks first."""
    return _TELLING.index(ApprovalRefusal(error.reason)), -len(error.differences)


def _refuse_secret(text: str, *, field: str) -> None:
    if redact(text) != text:
        expected = "text without a secret"
        # A traceback may show what this frame holds.
        del text
        raise ValidationError(f"{field} is not usable: expected {expected}", field=field)

"""`SignedApproval`: an approval with its digest and its HMAC, as bytes that have one spelling."""

import hashlib
import hmac
from typing import Final, Self, final

from pydantic import BaseModel, ConfigDict, ValidationError as InvalidModelError

from tradai.core._approvals.plan import Sha256
from tradai.core._approvals.record import Approval
from tradai.core._approvals.refusals import ApprovalRefusal, refusal
from tradai.core._documents.canonical import canonical_json
from tradai.core._secrets.secret import Secret
from tradai.core.exceptions import ConfigurationError

# A key that signs other things as well gives no signature that is valid here.
_PURPOSE: Final = b"tradai approval 1\n"
_SHORTEST_KEY: Final = 32


@final
class SignedApproval(BaseModel):
    """An approval with its digest and its HMAC.

    Attributes:
        approval: The approval.
        digest: SHA-256 of its canonical JSON; the id of the approval.
        hmac: HMAC-SHA256 of its canonical JSON; None when it is unsigned.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    approval: Approval
    digest: Sha256
    hmac: Sha256 | None

    @classmethod
    def sign(cls, approval: Approval, key: Secret | None) -> Self:
        """Return `approval` signed with `key`, or unsigned without one.

        Raises:
            ConfigurationError: The key is too short.
            ValidationError: A risk limit is a number that canonical JSON does not have.
        """
        signature = None if key is None else _hmac(approval, key)
        return cls(approval=approval, digest=_digest(approval), hmac=signature)

    @classmethod
    def from_bytes(cls, data: bytes, *, what: str) -> Self:
        """Return the signed approval that `to_bytes` returned as `data`.

        Its digest is checked, its HMAC is not.

        Raises:
            ApprovalError: `data` is something else, by as much as a space.
        """
        found = cls._parse(data)
        if found is None or found.digest != _digest(found.approval):
            raise refusal(ApprovalRefusal.EDITED, what=what)
        return found

    @classmethod
    def _parse(cls, data: bytes) -> Self | None:
        try:
            found = cls.model_validate_json(data)
        except InvalidModelError:
            return None
        # The parser accepts other spellings of the same values, and the later of two equal keys.
        return found if found.to_bytes() == data else None

    def to_bytes(self) -> bytes:
        """Return the canonical JSON of the signed approval."""
        return canonical_json(self.model_dump(mode="json"))

    def check_signature(self, key: Secret | None, *, allow_unsigned: bool = False) -> None:
        """Refuse an approval that `key` did not sign.

        Args:
            key: Key to verify with.
            allow_unsigned: Whether to accept any approval while there is no `key`. With a key, an
                approval that lost its signature is refused all the same.

        Raises:
            ApprovalError: It is unsigned, or was signed with another key.
            ConfigurationError: The key is too short.
        """
        what = self.approval.plan.strategy
        if key is None and allow_unsigned:
            return
        if key is None or self.hmac is None:
            raise refusal(ApprovalRefusal.UNSIGNED, what=what)
        if not hmac.compare_digest(self.hmac, _hmac(self.approval, key)):
            raise refusal(ApprovalRefusal.FORGED, what=what)


def _payload(approval: Approval) -> bytes:
    return canonical_json(approval.model_dump(mode="json"))


def _digest(approval: Approval) -> str:
    return hashlib.sha256(_payload(approval)).hexdigest()


def _hmac(approval: Approval, key: Secret) -> str:
    value = key.reveal().encode()
    if len(value) < _SHORTEST_KEY:
        # A traceback may show what this frame holds.
        del value
        message = (
            f"the key that signs approvals is too short: expected at least {_SHORTEST_KEY} bytes "
            "of text, such as 64 random hexadecimal digits"
        )
        raise ConfigurationError(message)
    return hmac.digest(value, _PURPOSE + _payload(approval), "sha256").hex()

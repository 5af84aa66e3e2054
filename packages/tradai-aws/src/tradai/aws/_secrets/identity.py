"""Which secret is meant: a name or an ARN, a stage, and a part of it."""

from dataclasses import dataclass
from typing import Final, Self, final

from tradai.aws._client.arn import Arn
from tradai.core import SecretReference
from tradai.core.exceptions import ValidationError

__all__ = ["CURRENT", "SCHEME", "SecretIdentity", "reference_to"]

SCHEME: Final = "aws-sm:"
CURRENT: Final = "AWSCURRENT"
_EXPECTED: Final = (
    "the name or ARN of a secret, with #key for a part of JSON and @stage for a version, "
    "such as trading/binance#api.key@AWSCURRENT"
)
_LONGEST_NAME: Final = 512


@final
@dataclass(frozen=True, slots=True)
class SecretIdentity:
    """What one request asks for; the account, region and endpoint are those of the manager."""

    secret_id: str
    stage: str

    @classmethod
    def of(cls, reference: SecretReference) -> Self:
        """Return what to ask for; the present version, when the reference names no stage."""
        return cls(reference.name, reference.stage or CURRENT)

    @property
    def reference(self) -> SecretReference:
        """The reference to it."""
        stage = "" if self.stage == CURRENT else f"@{self.stage}"
        return SecretReference(f"{SCHEME}{self.secret_id}{stage}")


def reference_to(name: str) -> SecretReference:
    """Read ``name#json.key@stage``, with or without ``aws-sm:`` before it.

    Raises:
        ValidationError: It is no name of a secret. It is not quoted: it may be the secret itself.
    """
    is_text = isinstance(name, str)
    reference = _reference(name if is_text and name.startswith(SCHEME) else f"{SCHEME}{name}")
    if not is_text or reference is None or not _is_name(reference.name):
        # A traceback may show what this frame holds.
        del name, reference
        message = f"the name of a secret is not usable: expected {_EXPECTED}"
        raise ValidationError(message, field="name", expected=_EXPECTED)
    return reference


def _reference(text: str) -> SecretReference | None:
    try:
        return SecretReference(text)
    except ValidationError:
        return None


def _is_name(name: str) -> bool:
    if ":" not in name:
        return len(name) <= _LONGEST_NAME
    try:
        arn = Arn.parse(name)
    except ValidationError:
        return False
    return arn.service == "secretsmanager" and arn.resource.startswith("secret:")

"""Names of secrets: a name or an ARN, a stage, and a key inside of JSON."""

from dataclasses import dataclass
from typing import Final, Self, final

from tradai.aws._client.arn import Arn
from tradai.core import SecretReference
from tradai.core.exceptions import ValidationError

SCHEME: Final = "aws-sm:"
CURRENT: Final = "AWSCURRENT"
_EXPECTED: Final = (
    "the name or ARN of a secret, with #key for a part of JSON and @stage for a version, "
    "such as trading/binance#api.key@AWSCURRENT"
)
_MAX_NAME_LENGTH: Final = 512


@final
@dataclass(frozen=True, slots=True)
class SecretIdentity:
    """Name or ARN, and stage, of one request; the manager has account, region and endpoint."""

    secret_id: str
    stage: str

    @classmethod
    def of(cls, reference: SecretReference) -> Self:
        """Return the identity for `reference`; without a stage it is the current version."""
        return cls(reference.name, reference.stage or CURRENT)

    @property
    def reference(self) -> SecretReference:
        """Reference to the whole secret."""
        stage = "" if self.stage == CURRENT else f"@{self.stage}"
        return SecretReference(f"{SCHEME}{self.secret_id}{stage}")


def parse_name(name: str) -> SecretReference:
    """Read ``name#json.key@stage``, with or without ``aws-sm:`` before it.

    Raises:
        ValidationError: It is not a name. It is not quoted: it may be the secret itself.
    """
    is_text = isinstance(name, str)
    reference = _reference(name if is_text and name.startswith(SCHEME) else f"{SCHEME}{name}")
    if not is_text or reference is None or not _is_name(reference.name):
        # A traceback may show local variables.
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
        return len(name) <= _MAX_NAME_LENGTH
    try:
        arn = Arn.parse(name)
    except ValidationError:
        return False
    return arn.service == "secretsmanager" and arn.resource.startswith("secret:")

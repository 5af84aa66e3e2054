"""What is made of a secret: a part of it, or a model."""

from collections.abc import Callable
from typing import Any, Final, final

from tradai.aws._secrets.held_secret import HeldSecret, Reading
from tradai.core import Secret, SecretReference, resolve_secret
from tradai.core.exceptions import ValidationError

__all__ = ["made", "require_kind"]

_EXPECTED: Final = "str, or a pydantic model with frozen=True"


def require_kind(kind: type[object]) -> None:
    """Check that what is made of a secret can be shared by all who ask for it.

    Raises:
        ValidationError: It could be changed.
    """
    options = getattr(kind, "model_config", {})
    if kind is not str and not options.get("frozen"):
        message = f"as_={kind.__name__} is not usable: expected {_EXPECTED}"
        raise ValidationError(message, field="as_", expected=_EXPECTED)


def made(
    reading: Reading, reference: SecretReference, kind: type[Any], clock: Callable[[], float]
) -> HeldSecret[Any]:
    """Return the part of `reading` that `reference` names, as `kind`; see `resolve_secret`."""
    part: Secret[Any] = resolve_secret(reference, kind=kind, source=_Answered(reading.value))
    return HeldSecret(part.reveal(), reading=reading, clock=clock)


@final
class _Answered:
    """A secret source that has been asked already."""

    def __init__(self, value: Secret) -> None:
        self._value = value

    def resolve(self, reference: str) -> Secret:
        del reference
        return self._value

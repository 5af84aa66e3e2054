"""Resolve a reference to the secret it names, as late as possible."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, TypeVar, overload

from tradai.core._documents.strict_json import RepeatedKeyError, read_json
from tradai.core._ports.backends import backend_for
from tradai.core._secrets.reference import SecretReference
from tradai.core._secrets.secret import Secret
from tradai.core.exceptions import ConfigurationError, NotFoundError, ValidationError

if TYPE_CHECKING:
    from tradai.core._ports.protocols import SecretSource

T = TypeVar("T")
_ABSENT: Final = object()
_EXPECTED: Final = 'a SecretReference, such as SecretReference("env:NAME")'


@overload
def resolve_secret(
    reference: SecretReference, *, source: "SecretSource | None" = None
) -> Secret: ...
@overload
def resolve_secret(
    reference: SecretReference, *, kind: type[T], source: "SecretSource | None" = None
) -> Secret[T]: ...
def resolve_secret(
    reference: SecretReference,
    *,
    kind: type[Any] = str,
    source: "SecretSource | None" = None,
) -> Secret[Any]:
    """Return the secret that `reference` names, or the part of it that the key names.

    Args:
        reference: Where it is kept.
        kind: Type of the value. Text by default; anything else is read from JSON, strictly.
        source: Source to ask; by default the installed source for the scheme.

    Raises:
        NotFoundError: The secret does not exist, or has no such key.
        ConfigurationError: The value is not JSON where a key or a `kind` asks for it, repeats a
            key, or is not of that `kind`, or the source refused it. No value is quoted.
        ValidationError: `reference` is not a `SecretReference`.
        ExternalServiceError: The source refused or cannot be reached.
    """
    if not isinstance(reference, SecretReference):
        # It may be the secret itself, and a traceback may show what this frame holds.
        del reference
        message = f"a secret reference is not usable: expected {_EXPECTED}"
        raise ValidationError(message, field="reference", expected=_EXPECTED)
    provider = source or backend_for("tradai.secrets", reference)
    whole = provider.resolve(str(reference.whole))
    if reference.key is None and kind is str:
        return whole
    value = _part(whole, reference)
    if value is _ABSENT:
        message = f"the secret {reference.whole} has no key {reference.key}; check the key"
        raise NotFoundError(message, kind="secret", key=reference)
    secret = _typed_secret(value, kind)
    if secret is None:
        # A traceback may show what this frame holds.
        del value
        raise _secret_error(reference, _misfit(kind))
    return secret


def _part(whole: Secret, reference: SecretReference) -> object:
    """Return the value at the key; raise outside of the except block, which holds the text."""
    problem, value = _read(whole)
    if problem:
        raise _secret_error(reference.whole, problem)
    for step in reference.key.split(".") if reference.key else ():
        if not isinstance(value, Mapping) or step not in value:
            return _ABSENT
        value = value[step]
    return value


def _read(whole: Secret) -> tuple[str, object]:
    """Return the problem of a secret as JSON, empty without one, and its value."""
    try:
        return "", read_json(whole.reveal())
    except RepeatedKeyError:
        return "has a key twice in its JSON; keep one of them", None
    except (ArithmeticError, RecursionError, ValueError):
        return "is not JSON; write it as JSON, or leave out the key", None


def _typed_secret(value: object, kind: type[T]) -> Secret[T] | None:
    # Only a secret that is read as JSON pays for pydantic.
    import pydantic

    try:
        return Secret(pydantic.TypeAdapter(kind).validate_json(json.dumps(value), strict=True))
    except (pydantic.ValidationError, ValueError):
        return None


def _misfit(kind: type[Any]) -> str:
    if kind is str:
        return "is not text, or is blank; write it in quotes, or ask for the kind that it is"
    return f"is not {kind.__name__}; write it again, or ask for another kind"


def _secret_error(reference: str, problem: str) -> ConfigurationError:
    return ConfigurationError(f"the secret {reference} {problem}", source=str(reference))

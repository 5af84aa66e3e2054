"""A secret with the version and age of its value, as text or as a frozen model."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar, final

from tradai.core import Secret, SecretReference, resolve_secret
from tradai.core.exceptions import ValidationError

if TYPE_CHECKING:
    from pydantic import SecretStr

T = TypeVar("T")

_EXPECTED: Final = "str, or a pydantic model with frozen=True"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class SecretVersion:
    """One version of a secret as AWS returned it, and the time of the request."""

    value: Secret
    version_id: str
    stage: str
    read_s: float


@final
class HeldSecret(Secret[T]):
    """A `Secret` from Secrets Manager with its version and age.

    It does not change: call `SecretsManager.get` again for the current version.
    """

    __slots__ = ("_clock", "_version")

    def __init__(
        self, value: "T | SecretStr", /, *, version: SecretVersion, clock: Callable[[], float]
    ) -> None:
        """Hold `value`, which is all of `version` or a part of it."""
        super().__init__(value)
        self._version = version
        self._clock = clock

    @property
    def version_id(self) -> str:
        """Id of the version."""
        return self._version.version_id

    @property
    def stage(self) -> str:
        """Stage that was requested, such as ``AWSCURRENT``."""
        return self._version.stage

    @property
    def age_s(self) -> float:
        """Seconds since it was requested from AWS.

        More than `SecretsPolicy.usable_s` when AWS did not answer since then.
        """
        return self._clock() - self._version.read_s

    def __repr__(self) -> str:
        """Show version, stage and age, and not the value."""
        return f"HeldSecret(***, version {self.version_id}, {self.stage}, {self.age_s:.1f} s old)"


def held_secret(
    version: SecretVersion, reference: SecretReference, as_: type[Any], clock: Callable[[], float]
) -> HeldSecret[Any]:
    """Return the part of `version` that `reference` names, as `as_`; see `resolve_secret`."""
    source = _VersionSource(version.value)
    part: Secret[Any] = resolve_secret(reference, kind=as_, source=source)
    return HeldSecret(part.reveal(), version=version, clock=clock)


def require_immutable(as_: type[object]) -> None:
    """Check that values of the type can be shared by all callers.

    Raises:
        ValidationError: They can be changed.
    """
    options = getattr(as_, "model_config", {})
    if as_ is not str and not options.get("frozen"):
        message = f"as_={as_.__name__} is not usable: expected {_EXPECTED}"
        raise ValidationError(message, field="as_", expected=_EXPECTED)


@final
class _VersionSource:
    """Secret source for a value that was read before."""

    def __init__(self, value: Secret) -> None:
        self._value = value

    def resolve(self, reference: str) -> Secret:
        del reference
        return self._value

"""A secret, and what is known of the version of it that is held."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar, final

from tradai.core import Secret

if TYPE_CHECKING:
    from pydantic import SecretStr

__all__ = ["HeldSecret", "Reading"]

T = TypeVar("T")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What AWS said of one secret, and when it was asked."""

    value: Secret
    version_id: str
    stage: str
    read_s: float


@final
class HeldSecret(Secret[T]):
    """A `Secret` from Secrets Manager that tells which version it is and how old.

    It stays what it was when it was handed out: ask for it again to have the present one.
    """

    __slots__ = ("_clock", "_reading")

    def __init__(
        self, value: "T | SecretStr", /, *, reading: Reading, clock: Callable[[], float]
    ) -> None:
        """Hold `value`, which was made of `reading`."""
        super().__init__(value)
        self._reading = reading
        self._clock = clock

    @property
    def version_id(self) -> str:
        """Id of this version."""
        return self._reading.version_id

    @property
    def stage(self) -> str:
        """The stage it was asked for by, such as ``AWSCURRENT``."""
        return self._reading.stage

    @property
    def age_s(self) -> float:
        """Seconds since AWS was asked for it.

        More than `SecretsPolicy.usable_s` when AWS did not answer since.
        """
        return self._clock() - self._reading.read_s

    def __repr__(self) -> str:
        """Show what is known of it, and not its value."""
        return f"HeldSecret(***, version {self.version_id}, {self.stage}, {self.age_s:.1f} s old)"

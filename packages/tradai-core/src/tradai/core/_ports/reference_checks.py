"""Check that references to secrets can be resolved, without keeping a value."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, final

from tradai.core._ports.resolve_secret import resolve_secret
from tradai.core._secrets.redaction import redact
from tradai.core.exceptions import TradAIError

if TYPE_CHECKING:
    from tradai.core._ports.protocols import SecretSource
    from tradai.core._secrets.reference import SecretReference

__all__ = ["ReferenceCheck", "check_references"]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceCheck:
    """A reference to a secret, the variable that sets it, and the error of resolving it, if any."""

    variable: str
    reference: "SecretReference"
    error: TradAIError | None

    @property
    def problem(self) -> str:
        """The error as a sentence that names the variable; empty when there is none."""
        return f"{self.variable}: {redact(str(self.error))}" if self.error else ""


def check_references(
    references: "Iterable[tuple[str, SecretReference]]",
    *,
    sources: "Mapping[str, SecretSource]" = MappingProxyType({}),
) -> Iterator[ReferenceCheck]:
    """Resolve each of `references`, and yield the outcome; no value is kept.

    Args:
        references: Variables and their references, as `BaseSettings.references` returns them.
        sources: Sources to ask, by scheme (``aws-sm``); any other scheme has its installed source.
    """
    for variable, reference in references:
        error = _error(reference, sources.get(reference.scheme))
        yield ReferenceCheck(variable=variable, reference=reference, error=error)


def _error(reference: "SecretReference", source: "SecretSource | None") -> TradAIError | None:
    try:
        resolve_secret(reference, source=source)
    except TradAIError as exc:
        # The frames of a traceback may hold the secret.
        return exc.with_traceback(None)
    return None

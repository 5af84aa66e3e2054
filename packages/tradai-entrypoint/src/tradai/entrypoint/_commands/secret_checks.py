"""References to secrets in the settings of all installed slices, and where they lead."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import final

from tradai.core import BaseSettings, SecretReference, redact, resolve_secret
from tradai.core.exceptions import TradAIError

__all__ = ["ResolvedReference", "resolved_references"]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedReference:
    """A reference, the variable it is set by, and what is wrong with it; no value is kept."""

    variable: str
    reference: SecretReference
    error: TradAIError | None

    @property
    def problem(self) -> str:
        """What is wrong, in a sentence; empty when the secret is there."""
        return f"{self.variable}: {redact(str(self.error))}" if self.error else ""


def resolved_references(
    kinds: Iterable[type[BaseSettings]], environ: Mapping[str, str]
) -> Iterator[ResolvedReference]:
    """Ask for every secret that `environ` refers to, and yield how that went."""
    for kind in kinds:
        for variable, reference in kind.references(environ):
            error = _refusal(reference)
            yield ResolvedReference(variable=variable, reference=reference, error=error)


def _refusal(reference: SecretReference) -> TradAIError | None:
    try:
        resolve_secret(reference)
    except TradAIError as exc:
        return exc.with_traceback(None)
    return None

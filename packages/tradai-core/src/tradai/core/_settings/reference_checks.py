"""Resolve every secret reference in settings classes, and report those that fail."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from tradai.core._ports.resolve_secret import resolve_secret
from tradai.core._secrets.redaction import redact
from tradai.core._secrets.reference import SecretReference
from tradai.core.exceptions import TradAIError

if TYPE_CHECKING:
    from tradai.core._ports.protocols import SecretSource
    from tradai.core._settings.base_settings import BaseSettings


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceCheck:
    """A secret reference and whether it could be resolved; the secret itself is not kept.

    Attributes:
        variable: Environment variable that sets the reference, or would replace the default.
        reference: Place of the secret.
        error: Reason why the secret cannot be had; None when it can.
    """

    variable: str
    reference: SecretReference
    error: TradAIError | None

    @property
    def problem(self) -> str:
        """The error in a sentence after its variable; empty when the secret can be had."""
        return f"{self.variable}: {redact(str(self.error))}" if self.error else ""


def check_references(
    classes: "Iterable[type[BaseSettings]]",
    environ: Mapping[str, str],
    *,
    sources: "Mapping[str, SecretSource] | None" = None,
) -> Iterator[ReferenceCheck]:
    """Resolve every reference that `environ` or a default gives to `classes`, one after another.

    Args:
        classes: Settings classes to look into.
        environ: Variables to read.
        sources: Scheme -> source to ask in place of the installed one.
    """
    for settings_class in classes:
        for variable, reference in settings_class.references(environ):
            error = _error(reference, (sources or {}).get(reference.scheme))
            yield ReferenceCheck(variable=variable, reference=reference, error=error)


def _error(reference: SecretReference, source: "SecretSource | None") -> TradAIError | None:
    try:
        resolve_secret(reference, source=source)
    except TradAIError as exc:
        return exc.with_traceback(None)
    return None

"""Every reference to a secret in a settings class, resolved before anything else is done."""

from collections.abc import Iterator, Mapping
from typing import TypeVar

from tradai.aws._secrets.identity import SCHEME
from tradai.core import BaseSettings, SecretSource, check_references
from tradai.core.exceptions import ConfigurationError

__all__ = ["checked"]

S = TypeVar("S", bound=BaseSettings)


def checked(kind: type[S], environ: Mapping[str, str], *, source: SecretSource) -> S:
    """Return the settings `kind`, or say everything that is wrong with them at once.

    Raises:
        ConfigurationError: Settings are not valid, or secrets cannot be had from `source`, or
            from the installed source of another scheme.
    """
    checks = check_references(kind.references(environ), sources={SCHEME.rstrip(":"): source})
    problems = [*_invalid(kind, environ), *(check.problem for check in checks if check.error)]
    if problems:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        message = "\n- ".join([f"{kind.__name__} has {count} with secrets or settings:", *problems])
        raise ConfigurationError(message)
    return kind.load(environ=environ)


def _invalid(kind: type[BaseSettings], environ: Mapping[str, str]) -> Iterator[str]:
    try:
        kind.load(environ=environ)
    except ConfigurationError as exc:
        yield str(exc)

"""Load a settings class once every secret reference in it can be resolved."""

from collections.abc import Iterator, Mapping
from typing import TypeVar

from tradai.aws._secrets.identity import SCHEME
from tradai.core import BaseSettings, SecretSource, check_references
from tradai.core.exceptions import ConfigurationError

S = TypeVar("S", bound=BaseSettings)


def load_checked(settings_class: type[S], environ: Mapping[str, str], *, source: SecretSource) -> S:
    """Return the settings in `environ`, or list everything that is wrong with them at once.

    Raises:
        ConfigurationError: Settings are not valid, or secrets cannot be had from `source`, or
            from the installed source of another scheme.
    """
    sources = {SCHEME.removesuffix(":"): source}
    checks = check_references([settings_class], environ, sources=sources)
    problems = [*_invalid(settings_class, environ), *(one.problem for one in checks if one.error)]
    if problems:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        title = f"{settings_class.__name__} has {count} with secrets or settings:"
        raise ConfigurationError("\n- ".join([title, *problems]))
    return settings_class.load(environ=environ)


def _invalid(settings_class: type[BaseSettings], environ: Mapping[str, str]) -> Iterator[str]:
    try:
        settings_class.load(environ=environ)
    except ConfigurationError as exc:
        yield str(exc)

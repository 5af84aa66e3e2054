"""Policy of a namespace: name and version, behaviour in an outage, sensitivity."""

import re
from dataclasses import dataclass, field
from typing import Final, Literal, Self, TypeAlias, final, get_args

from tradai.cache._stats import Counters
from tradai.core.exceptions import ValidationError

OnOutage: TypeAlias = Literal["fail_open", "stale_only", "fail_closed"]

# Excludes the separators of cache keys, in Redis and in log lines.
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_NAME_EXPECTED: Final = "1 to 64 ASCII letters, digits, '_' and '-', a letter or digit first"
_LAST_VERSION: Final = 10**9


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One namespace: its name with version, its rules and its counters.

    Attributes:
        namespace: Name and version, ``markets.2``.
        on_outage: Behaviour while the shared tier is away.
        is_sensitive: Whether values never leave the process.
    """

    namespace: str
    on_outage: OnOutage
    is_sensitive: bool
    counters: Counters = field(default_factory=Counters, compare=False)

    @classmethod
    def of(cls, name: str, *, version: int, on_outage: OnOutage, is_sensitive: bool) -> Self:
        """Return the policy of these arguments of `Cache.namespace`.

        Raises:
            ValidationError: `name`, `version` or `on_outage` is not usable.
        """
        if not _NAME.fullmatch(name):
            raise _invalid("name", name, _NAME_EXPECTED)
        if type(version) is not int or not 0 <= version < _LAST_VERSION:
            raise _invalid("version", version, "a whole number from 0")
        if on_outage not in get_args(OnOutage):
            raise _invalid("on_outage", on_outage, ", ".join(get_args(OnOutage)))
        namespace = f"{name}.{version}"
        return cls(namespace=namespace, on_outage=on_outage, is_sensitive=is_sensitive)


def _invalid(field_name: str, value: object, expected: str) -> ValidationError:
    message = f"namespace {field_name} {value!r} is not usable: expected {expected}"
    return ValidationError(message, field=field_name, expected=expected)

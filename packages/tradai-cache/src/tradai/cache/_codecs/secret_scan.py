"""Scan of values for secrets, and the two states in which a value is not shared."""

from tradai.cache._codecs.parts import parts_of
from tradai.core import Secret


# A state that the cache acts on, not an error that users see.
class Uncacheable(Exception):  # noqa: N818
    """The value contains a secret: it stays in this process."""


# A state that the cache acts on, not an error that users see.
class Undecodable(Exception):  # noqa: N818
    """The bytes are not a value of this codec."""


def refuse_secrets(value: object) -> None:
    """Raise `Uncacheable` when `value` contains a secret at any depth."""
    visited: set[int] = set()
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, str | bytes | int | float | None) or id(item) in visited:
            continue
        # By method name: values without a SecretStr do not pay for importing pydantic.
        if isinstance(item, Secret) or callable(getattr(type(item), "get_secret_value", None)):
            message = f"a value holds a {type(item).__name__}: it stays in this process"
            raise Uncacheable(message)
        visited.add(id(item))
        pending.extend(parts_of(item))

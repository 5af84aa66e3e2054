"""Overrides: texts such as ``execution.stake_amount=50`` from a command line."""

from tradai.core.exceptions import ConfigurationError

__all__ = ["parse_override"]


def parse_override(text: str, *, place: str = "override") -> tuple[str, str]:
    """Return the dotted key and the text of ``KEY=VALUE``; the value may be empty.

    >>> parse_override("execution.stake_amount=50")
    ('execution.stake_amount', '50')

    Args:
        text: The override.
        place: The override by its position, such as ``override 2``; errors begin with it.

    Raises:
        ConfigurationError: There is no ``=``, or a step of the key is empty. Nothing of `text` is
            quoted: without a key, all of it may be a secret.
    """
    key, equals, value = text.partition("=")
    if equals and all(key.split(".")):
        return key, value
    message = f"{place} has no value or no key; write KEY=VALUE, as in part.retries=5"
    raise ConfigurationError(message, source=place)

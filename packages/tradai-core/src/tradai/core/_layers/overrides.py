"""Overrides: texts such as ``execution.stake_amount=50`` from a command line."""

import re
from collections.abc import Sequence
from typing import Final, final

from tradai.core._layers.layer import LayerData, Origin
from tradai.core._layers.text_values import read_entry, stack_entries
from tradai.core._secrets.named_texts import holds_secret
from tradai.core._secrets.redaction import MASK, redact
from tradai.core.exceptions import ConfigurationError

COMMAND_LINE: Final = Origin(source="command line")
# A URI with options is no key and value; `redact` masks those of its options that are secrets.
_OF_URI: Final = re.compile(r"[?:]")


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
    problem = "an empty step in its key" if equals else "no value"
    raise ConfigurationError(f"{place} has {problem}; write KEY=VALUE", source=place)


@final
class OverridesLayer:
    """Texts such as ``execution.stake_amount=50``, the later ones winning."""

    def __init__(self, overrides: Sequence[str]) -> None:
        """Read `overrides`: a dotted key, ``=``, and a value in YAML."""
        self.name = COMMAND_LINE.source
        self._overrides = overrides

    def load(self) -> LayerData:
        """Read the overrides.

        Raises:
            ConfigurationError: One is empty, or not written as it should be.
        """
        return stack_entries(
            _entry(text, number) for number, text in enumerate(self._overrides, start=1)
        )

    @staticmethod
    def masked(word: str) -> str:
        """Return a word of a command line, with the value of an override that looks secret masked.

        The value may be YAML with a secret somewhere in it, and need not be valid.

        >>> OverridesLayer.masked("strategy.config.api_key=hunter2")
        'strategy.config.api_key=***'
        """
        key, is_pair, text = word.partition("=")
        is_override = bool(is_pair) and not _OF_URI.search(key)
        # Where only a part has the shape of a secret, the rest stays readable.
        if is_override and holds_secret(key.lstrip("-"), redact(text)):
            return f"{redact(key)}={MASK}"
        return redact(word)


def _entry(text: str, number: int) -> LayerData:
    key, value = parse_override(text, place=f"override {number}")
    place = f"{COMMAND_LINE}: {key}"
    return read_entry(key.split("."), value, place=place, origin=COMMAND_LINE)

"""Keep the secrets of a configuration out of the files of the new folder."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, Self, final

from tradai.core import JsonValue
from tradai.core.exceptions import ConfigurationError
from tradai.entrypoint.freqtrade._new_folder.key_notes import PRIVATE
from tradai.entrypoint.freqtrade._new_folder.secret_leaves import secret_leaves
from tradai.entrypoint.freqtrade._new_folder.special_keys import Config, block_of

# A shorter text may be a word of the code.
_SHORTEST: Final = 12


@final
class SecretGuard:
    """The secret values of a configuration, each with its key."""

    def __init__(self, values: Sequence[tuple[str, bytes]]) -> None:
        """Take the values; several may have one key, where it is masked."""
        self._values = values

    @classmethod
    def of(cls, config: Config) -> Self:
        """Return the guard of `config`."""
        return cls(
            [(key, text.encode()) for key, value in _secrets(config) for text in _texts(value)]
        )

    def check(self, file: Path, content: bytes) -> None:
        """Check that `content`, which `file` would have, holds none of them.

        Raises:
            ConfigurationError: It does; the error names the key.
        """
        for key, value in self._values:
            if value in content:
                message = f"{file} would hold the value of {key}: leave it in no other place"
                raise ConfigurationError(message, key=key, source=str(file))


def _secrets(config: Config) -> Iterator[tuple[str, JsonValue]]:
    for key in sorted(PRIVATE):
        block, _, name = key.rpartition(".")
        yield key, (block_of(config, block) if block else config).get(name)
    for key, value in config.items():
        yield from secret_leaves(key, value)


def _texts(value: JsonValue) -> Iterator[str]:
    if isinstance(value, str) and len(value) >= _SHORTEST:
        yield value

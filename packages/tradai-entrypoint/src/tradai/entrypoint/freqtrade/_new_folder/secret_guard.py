"""Keep the secrets of a configuration out of the files of the new folder."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, Self, final

from tradai.core import JsonValue
from tradai.core.exceptions import ConfigurationError
from tradai.entrypoint.freqtrade._new_folder.key_notes import IN_BLOCKS, PRIVATE, TEXTS
from tradai.entrypoint.freqtrade._new_folder.moved_key import KeyStatus, MovedKey
from tradai.entrypoint.freqtrade._new_folder.secret_leaves import secret_leaves, texts
from tradai.entrypoint.freqtrade._new_folder.special_keys import Config, Fate, block_of

# The place of the keys that a strategy has of its own.
OWN_KEYS: Final = "strategy.config"

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
            [(key, text.encode()) for key, value in _secrets(config) for text in _long_texts(value)]
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


def _long_texts(value: JsonValue) -> Iterator[str]:
    if isinstance(value, str) and len(value) >= _SHORTEST:
        yield value


def without_secrets(fate: Fate, value: JsonValue) -> Fate:
    """Return the fate of a key with `value`, which is kept only where no secret may be in it.

    A text whose key Freqtrade does not know may be one.
    """
    moved, kept = fate
    secrets = ", ".join(
        path.removeprefix(f"{moved.key}.") for path, _ in secret_leaves(moved.key, value)
    )
    unknown = ", ".join(_unknown_texts(moved, kept))
    if secrets and moved.status is KeyStatus.UNSUPPORTED:
        return replace(moved, note=f"{moved.note}; secret in it: {secrets}"), None
    if secrets and moved.status is not KeyStatus.UNNEEDED:
        return _kept_out(moved, f"secret in it: {secrets}; write the rest to {moved.place}")
    if unknown:
        reason = f"Freqtrade does not know {unknown}, whose text may be a secret"
        doubt = f"; {moved.note}" if moved.status is KeyStatus.DOUBTFUL else ""
        return _kept_out(moved, f"{reason}; if it is none, write it to {moved.place}{doubt}")
    return fate


def _kept_out(moved: MovedKey, reason: str) -> Fate:
    note = f"its value is not copied: {reason}"
    return MovedKey(key=moved.key, status=KeyStatus.PRIVATE, note=note), None


def _unknown_texts(moved: MovedKey, kept: JsonValue) -> Iterator[str]:
    """Yield the names of the texts in `kept` that no setting of Freqtrade takes."""
    if moved.key in IN_BLOCKS:
        return
    block, _, name = moved.key.partition(".")
    for path in texts(kept):
        steps = f"{name}.{path}".strip(".")
        is_known = block not in TEXTS or steps.partition(".")[0] in TEXTS[block]
        if moved.place.startswith(f"{OWN_KEYS}.") or not is_known:
            yield f"{block}.{steps}".rstrip(".")

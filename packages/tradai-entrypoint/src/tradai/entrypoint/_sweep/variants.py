"""Variants of a configuration: the product of varied values, or a list in a file."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Final, final

from tradai.core import FileKind, JsonValue, file_errors, read_regular_file, read_yaml_value
from tradai.core.exceptions import ConfigurationError

_CLOSING: Final = {"[": "]", "{": "}"}
_EXPECTED_LIST: Final = (
    "a list of mappings, such as `- buy_params.buy_fast: 12`, one for each variant"
)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One variant of the configuration.

    Attributes:
        number: Its position, counted from 1.
        values: Text of each varied value by its dotted key.
    """

    number: int
    values: Mapping[str, str]

    @property
    def overrides(self) -> tuple[str, ...]:
        """The values as overrides of the configuration."""
        return tuple(f"{key}={value}" for key, value in self.values.items())

    @property
    def label(self) -> str:
        """The values in one line, under the last steps of their keys; a number has two steps."""
        return ", ".join(f"{_last_steps(key)}={value}" for key, value in self.values.items())


def _last_steps(key: str) -> str:
    before, _, last = key.rpartition(".")
    return f"{before.rpartition('.')[2]}.{last}" if last.isdigit() and before else last


def varied(texts: Sequence[str]) -> tuple[Variant, ...]:
    """Return every combination of the values of ``key=a,b,c`` texts; the last key varies fastest.

    >>> [variant.label for variant in varied(["buy_params.fast=8,12", "buy_params.slow=96"])]
    ['fast=8, slow=96', 'fast=12, slow=96']

    Raises:
        ConfigurationError: A text has another form, or names the key of another one.
    """
    choices: dict[str, tuple[str, ...]] = {}
    for text in texts:
        key, equals, values = text.partition("=")
        if not equals or not all(key.split(".")):
            raise _vary_error("write --vary key=a,b,c")
        if key in choices:
            raise _vary_error(f"{key} is varied twice: give all of its values at once")
        choices[key] = tuple(_split(values))
        if not all(choices[key]) or len(set(choices[key])) < len(choices[key]):
            raise _vary_error(
                f"{key} needs values that differ and are not empty, such as {key}=1,2"
            )
    combinations = product(*choices.values())
    return _numbered(dict(zip(choices, values, strict=True)) for values in combinations)


def listed(path: Path) -> tuple[Variant, ...]:
    """Return the variants of a YAML file: a list of mappings, with dotted or nested keys.

    Raises:
        NotFoundError: The file does not exist.
        StorageError: It cannot be read.
        ConfigurationError: It has another form.
    """
    with file_errors("read", path):
        text = read_regular_file(path, FileKind.CONFIGURATION)
    variants = read_yaml_value(text.decode("utf-8", "replace"), source=str(path))
    if not isinstance(variants, Sequence) or isinstance(variants, str) or not variants:
        raise _list_error(path)
    return _numbered(_unique(_flat(each, path), path) for each in variants)


def _numbered(values: Iterator[dict[str, str]]) -> tuple[Variant, ...]:
    return tuple(Variant(number=number, values=each) for number, each in enumerate(values, 1))


def _split(text: str) -> Iterator[str]:
    """Yield the values between commas; those inside of brackets belong to one value."""
    open_brackets: list[str] = []
    value = ""
    for letter in text:
        if letter in _CLOSING:
            open_brackets.append(_CLOSING[letter])
        elif open_brackets and letter == open_brackets[-1]:
            open_brackets.pop()
        if letter == "," and not open_brackets:
            yield value.strip()
            value = ""
        else:
            value += letter
    yield value.strip()


def _unique(entries: Iterator[tuple[str, str]], path: Path) -> dict[str, str]:
    """Return the entries of a variant by key; a key may be written in one way only."""
    values: dict[str, str] = {}
    for key, value in entries:
        if key in values or "=" in key or not all(key.split(".")):
            message = f"{path} has the key {key!r} twice in one variant, or it cannot be a key"
            raise ConfigurationError(message, key="--list", source=str(path))
        values[key] = value
    return values


def _flat(values: JsonValue, path: Path, prefix: str = "") -> Iterator[tuple[str, str]]:
    if not isinstance(values, Mapping) or not values:
        raise _list_error(path)
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, path, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", _override_text(value)


def _override_text(value: JsonValue) -> str:
    """Return the text of `value` in an override: bare words only where they mean the same."""
    if isinstance(value, str) and value:
        with suppress(ConfigurationError):
            if read_yaml_value(value, source="--list") == value:
                return value
    return json.dumps(value)


def _vary_error(problem: str) -> ConfigurationError:
    return ConfigurationError(f"--vary: {problem}", key="--vary")


def _list_error(path: Path) -> ConfigurationError:
    message = f"{path} holds no variants: expected {_EXPECTED_LIST}"
    return ConfigurationError(message, key="--list", source=str(path))

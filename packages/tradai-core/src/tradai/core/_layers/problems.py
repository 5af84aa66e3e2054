"""Validation errors of pydantic as sentences that name the place and never the value."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, TypeGuard, final, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails, core_schema

from tradai.core._documents.json_values import JsonValue
from tradai.core._documents.tree import KeyPath, dotted, not_finite
from tradai.core._layers.code_message import code_message
from tradai.core._layers.suggestions import did_you_mean
from tradai.core.exceptions import ConfigurationError, ValidationError

# The message that pydantic has for these repeats a validator's text, or the value itself.
_MAY_QUOTE: Final = {
    "assertion_error",
    "get_attribute_error",
    "iteration_error",
    "mapping_type",
    "union_tag_invalid",
    "value_error",
}
_SENTENCES: Final = {
    "bool_parsing": "must be a valid boolean",
    "dict_type": "must be a mapping",
    "float_parsing": "must be a valid number",
    "frozen_set_type": "must be a list",
    "int_from_float": "must be a valid integer",
    "int_parsing": "must be a valid integer",
    "json_invalid": "must be JSON, such as a list",
    "list_type": "must be a list",
    "missing": "is missing; set it",
    "model_attributes_type": "must be a mapping",
    "model_type": "must be a mapping",
    "string_too_short": "must not be empty",
    "string_type": "must be text",
    "tuple_type": "must be a list",
    "union_tag_not_found": "must have the key that tells its kind",
    # The message of pydantic quotes a character of the value.
    "uuid_parsing": "must be a UUID",
}
# "Input should be", "String should have": the subject was named before.
_SUBJECT: Final = re.compile(r"^\w+ should ")
# A bound that is a Decimal, in the words of pydantic.
_DECIMAL: Final = re.compile(r"Decimal\('([^']*)'\)")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong: where, which key, and what to do about it."""

    place: str
    path: KeyPath
    sentence: str

    def __str__(self) -> str:
        """Return the problem as one line."""
        return f"{self.place}: {dotted(self.path)}: {self.sentence}"


def configuration_error(problems: Sequence[Problem]) -> ConfigurationError:
    """Return the one error for `problems`, of which there is at least one."""
    first = problems[0]
    return ConfigurationError(list_problems(problems), key=dotted(first.path), source=first.place)


def list_problems(problems: Iterable[object]) -> str:
    """Return the message for `problems`: each once, on a line of its own below their number."""
    lines = list(dict.fromkeys(map(str, problems)))
    return lines[0] if len(lines) == 1 else f"{len(lines)} problems\n" + "\n".join(lines)


def problems_of(
    errors: Sequence[ErrorDetails],
    values: Mapping[str, JsonValue],
    *,
    model: type[BaseModel],
    place_of: Callable[[KeyPath], str],
) -> Iterator[Problem]:
    """Yield the problems that pydantic found in `values` of `model`, one for each key."""
    sentences: dict[KeyPath, list[str]] = {}
    for error in errors:
        path = _path_in(values, error)
        is_unknown = error["type"] == "extra_forbidden"
        text = _unknown_key(model, path) if is_unknown else error_sentence(error)
        if error["type"] in ("string_type", "tuple_type"):
            text += _example(model, path)
        sentences.setdefault(path, []).append(text)
    for path, several in sentences.items():
        yield Problem(place=place_of(path), path=path, sentence=", or ".join(several))


def error_sentence(error: ErrorDetails) -> str:
    """Return the predicate that says what a value must be, without quoting the value.

    Of a validator it has what stands in its code, or the `expected` of our own `ValidationError`,
    which never holds the value.
    """
    cause = error.get("ctx", {}).get("error")
    if isinstance(cause, ValidationError) and cause.expected:
        return f"must be {cause.expected.removeprefix('must be ')}"
    own = code_message(cause) if isinstance(cause, Exception) else ""
    if own:
        return own if own.startswith("must ") else f"is not valid: {own}"
    if error["type"] in _SENTENCES:
        return _SENTENCES[error["type"]]
    if error["type"] not in _harmless():
        return "is not valid"
    return _DECIMAL.sub(r"\1", _SUBJECT.sub("must ", error["msg"]))


@cache
def _harmless() -> frozenset[str]:
    """Return the types of errors whose message is made from the schema alone."""
    return frozenset(get_args(core_schema.ErrorType)) - _MAY_QUOTE


def _unknown_key(model: type[BaseModel], path: KeyPath) -> str:
    known = _known_keys(model, path[:-1])
    all_known = f"; known are {', '.join(known)}" if known else ""
    return f"is not a key we know{did_you_mean(str(path[-1]), known) or all_known}"


def _example(model: type[BaseModel], path: KeyPath) -> str:
    field = model.model_fields.get(str(path[0])) if len(path) == 1 else None
    if field is None or not field.examples:
        return ""
    first = field.examples[0]
    # A list as an override takes it, in one word of a shell.
    shown = f'"{first}"' if isinstance(first, str) else f"[{','.join(first)}]"
    return f", such as {shown}"


def _known_keys(model: type[BaseModel], path: KeyPath) -> list[str]:
    """Return the keys of the block at `path` as they are written; none for one without a model."""
    for step in path:
        annotation = (
            model.model_fields[str(step)].annotation if step in model.model_fields else None
        )
        inner = next(filter(_is_model, [annotation, *get_args(annotation)]), None)
        if inner is None:
            return []
        model = inner
    return [field.serialization_alias or name for name, field in model.model_fields.items()]


def _is_model(annotation: object) -> TypeGuard[type[BaseModel]]:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _path_in(values: JsonValue, error: ErrorDetails) -> KeyPath:
    """Follow pydantic's location as far as it is a path in `values`; the rest names types.

    A free-form block refuses the NaN or infinity in it, so the path goes on to that.
    """
    path: KeyPath = ()
    for step in error["loc"]:
        if isinstance(values, Mapping) and step in values:
            values = values[str(step)]
        elif isinstance(values, list | tuple) and isinstance(step, int):
            values = values[step]
        elif error["type"] == "missing" and isinstance(values, Mapping):
            return (*path, step)
        else:
            return path
        path = (*path, step)
    return (*path, *next(not_finite(values), ()))

"""Origins of settings, for people; secrets and invalid values are not shown."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, final

from pydantic_settings import BaseSettings

from tradai.core._documents.json_values import JsonValue
from tradai.core._documents.tree import Path, dotted, leaves, nodes
from tradai.core._documents.yaml_scalars import WrittenFloat
from tradai.core._secrets.detection import looks_like_secret
from tradai.core._secrets.reference import SecretReference
from tradai.core._settings.annotations import annotation_at, classes
from tradai.core._settings.layers import SettingLayer, Source, default_layer
from tradai.core._settings.validation import SettingStack
from tradai.core._settings.values import SECRETS, value_at
from tradai.core._settings.variables import variable_of
from tradai.core.exceptions import ValidationError

_HIDDEN: Final = "**********"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class SettingOrigin:
    """The origin of one setting.

    Attributes:
        name: The field; dotted, for a field of a nested model.
        variable: The environment variable that sets it, or would.
        value: Its value as text, JSON where it is none; stars when it is or looks like a secret,
            and when it is not valid.
        source: ``default``, ``file``, ``environment``, ``command line`` or ``argument``.
        place: Where it was written, such as ``app.yaml:3``; a variable; or the source again.
        shadowed: Where lower layers wrote it without effect, lowest first, without defaults.
    """

    name: str
    variable: str
    value: str
    source: Source
    place: str
    shadowed: tuple[str, ...] = ()


def explained(
    kind: type[BaseSettings],
    layers: Sequence[SettingLayer],
    *,
    invalid: Sequence[Path],
    environ: Mapping[str, str],
) -> Iterator[SettingOrigin]:
    """Yield the origin of each leaf, in the order of the fields."""
    written = SettingStack(kind, layers).values
    stack = SettingStack(kind, [default_layer(kind, written), *layers])
    fields = list(kind.model_fields)
    known = [path for path in leaves(stack.values) if annotation_at(kind, path) is not None]
    for path in sorted(known, key=lambda path: fields.index(str(path[0]))):
        *lower, (source, origin) = stack.origins(path)
        is_open = not any(path[: len(one)] == one[: len(path)] for one in invalid)
        yield SettingOrigin(
            name=dotted(path) if is_open else stack.shown(path),
            variable=variable_of(kind, path, environ),
            value=_shown(kind, path, value_at(stack.values, path)) if is_open else _HIDDEN,
            source=source,
            place=str(origin),
            shadowed=tuple(str(one) for kind_of, one in lower if kind_of != "default"),
        )


def references_in(
    kind: type[BaseSettings], layers: Sequence[SettingLayer], *, environ: Mapping[str, str]
) -> Iterator[tuple[str, SecretReference]]:
    """Yield the variable and the value of each leaf that is a reference to a secret, and valid."""
    stack = SettingStack(kind, [default_layer(kind, SettingStack(kind, layers).values), *layers])
    for path, value in nodes(stack.values):
        if SecretReference in classes(annotation_at(kind, path)) and isinstance(value, str):
            with suppress(ValidationError):
                yield variable_of(kind, path, environ), SecretReference(value)


def _shown(kind: type[BaseSettings], path: Path, value: JsonValue) -> str:
    if value is None:
        return ""
    inside = [(path, value), *nodes(value, path)]
    if any(_is_secret(kind, *one) for one in inside):
        return _HIDDEN
    # A number keeps the digits that JSON would round away.
    return str(value) if isinstance(value, str | WrittenFloat) else json.dumps(value)


def _is_secret(kind: type[BaseSettings], path: Path, value: JsonValue) -> bool:
    kinds = classes(annotation_at(kind, path))
    return any(issubclass(one, SECRETS) for one in kinds) or looks_like_secret(path, value)

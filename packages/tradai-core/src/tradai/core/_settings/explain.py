"""Origins of settings, for people; secrets and invalid values are not shown."""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, final

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python
from pydantic_settings import BaseSettings

from tradai.core._documents.tree import Path, dotted, leaves, nodes
from tradai.core._documents.yaml_scalars import WrittenFloat
from tradai.core._secrets.detection import looks_like_secret
from tradai.core._secrets.reference import SecretReference
from tradai.core._settings.annotations import annotation_at, classes, single_model
from tradai.core._settings.layers import named_values
from tradai.core._settings.strictness import SECRETS
from tradai.core._settings.validation import SettingStack
from tradai.core._settings.variables import Names
from tradai.core.exceptions import ValidationError

__all__ = ["SettingOrigin", "explained", "references_in"]

_HIDDEN: Final = "**********"
_PLAIN: Final = (bool, int, float, str)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class SettingOrigin:
    """The origin of one setting.

    Attributes:
        name: The field; dotted, for a field of a nested model.
        variable: The environment variable that sets it, or would.
        value: Its value as text, JSON where it is none; stars when it is or looks like a secret,
            and when it is not valid.
        source: ``default``, ``file``, ``environment``, ``command line``, ``argument``,
            ``.env file``, ``secret files``, or the class of another source.
        place: Where it was written, such as ``app.yaml:3``; a variable; or the source again.
        shadowed: Where lower layers wrote it without effect, lowest first, without defaults.
    """

    name: str
    variable: str
    value: str
    source: str
    place: str
    shadowed: tuple[str, ...] = ()


def explained(names: Names, stack: SettingStack, blank: BaseSettings) -> Iterator[SettingOrigin]:
    """Yield the origin of each leaf, in the order of the fields; `blank` is filled if it can be."""
    problems = stack.fill(blank)
    invalid = [one.path for one in problems if one.path and not one.is_missing]
    for path, value in leaves(_tree(names, stack, None if problems else blank)).items():
        keyless = names.without_keys(path)
        # A validator may have changed the key of a mapping.
        writers = stack.writers(path) or (stack.writers(keyless) if keyless != path else [])
        *lower, place = [writer.place(path) for writer in writers] or ["default"]
        is_open = not any(path[: len(one)] == one[: len(path)] for one in invalid)
        yield SettingOrigin(
            name=dotted(path) if is_open else names.shown(path),
            variable=names.variable(path),
            value=_shown(names, path, value) if is_open else _HIDDEN,
            source=writers[-1].source if writers else "default",
            place=place,
            shadowed=tuple(lower),
        )


def references_in(
    names: Names, stack: SettingStack, blank: BaseSettings
) -> Iterator[tuple[str, SecretReference]]:
    """Yield the variable and the value of each leaf that is a reference to a secret, and valid."""
    tree = _tree(names, stack, None if stack.fill(blank) else blank)
    for path, value in nodes(tree):
        if isinstance(value, str) and SecretReference in classes(annotation_at(names.kind, path)):
            with suppress(ValidationError):
                yield names.variable(path), SecretReference(value)


def _tree(names: Names, stack: SettingStack, settings: BaseSettings | None) -> Any:
    """Return the settings under the names of fields; as they were written if they are not valid."""
    if settings is not None:
        return named_values(None, settings)
    return _completed(names.kind, named_values(names.kind, stack.values))


def _completed(kind: type[BaseModel], given: Mapping[str, object]) -> dict[str, object]:
    """Return `given` with the defaults of `kind`; what has no default is None."""
    found = {}
    for name, field in kind.model_fields.items():
        value = given[name] if name in given else _default(field)
        model = single_model(field.annotation)
        is_open = isinstance(value, Mapping) or (field.is_required() and name not in given)
        found[name] = _completed(model, value or {}) if model and is_open else value
    return found


def _default(field: FieldInfo) -> object:
    if field.is_required() or field.default_factory_takes_validated_data:
        return None
    return named_values(None, field.get_default(call_default_factory=True))


def _shown(names: Names, path: Path, value: object) -> str:
    if value is None:
        return ""
    kinds = classes(annotation_at(names.kind, path))
    plain = value if type(value) in _PLAIN else _as_json(value)
    inside = [(path, plain), *nodes(plain, path)]
    is_typed = any(issubclass(one, SECRETS) for one in kinds) or _has_secret(value)
    if is_typed or any(looks_like_secret(*one) for one in inside):
        return _HIDDEN
    # A number keeps the digits that JSON would round away.
    return str(plain) if isinstance(plain, str | WrittenFloat) else json.dumps(plain)


def _has_secret(value: object) -> bool:
    return any(isinstance(one, SECRETS) for one in (value, *(item for _, item in nodes(value))))


def _as_json(value: object) -> Any:
    try:
        return to_jsonable_python(value, fallback=str)
    except ValueError:
        return str(value)

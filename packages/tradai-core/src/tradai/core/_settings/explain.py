"""Origin of each setting as text, without secrets and invalid values."""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, final

from pydantic import BaseModel, SecretBytes, SecretStr
from pydantic_core import to_jsonable_python
from pydantic_settings import BaseSettings

from tradai.core._documents.tree import KeyPath, dotted, leaves, nodes
from tradai.core._documents.yaml_scalars import WrittenFloat
from tradai.core._secrets.detection import looks_like_secret
from tradai.core._secrets.reference import SecretReference
from tradai.core._secrets.secret import Secret
from tradai.core._settings.merging import parts
from tradai.core._settings.slots import Slot, slot_of
from tradai.core._settings.validation import SettingStack
from tradai.core.exceptions import ValidationError

_SECRETS: Final = (Secret, SecretBytes, SecretStr)
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


def explained(stack: SettingStack, blank: BaseSettings) -> Iterator[SettingOrigin]:
    """Yield the origin of each leaf, in the order of the fields; `blank` is filled if it can be."""
    problems = stack.fill(blank)
    invalid = [one.path for one in problems if one.path and not one.is_missing]
    slot = slot_of(type(blank))
    for path, value in leaves(_tree(stack, blank, is_valid=not problems)).items():
        *_, (_, _, inside) = walked = list(slot.walk(path))
        shown = [text for _, text, _ in walked]
        # A validator may have changed the key of a mapping.
        writers = stack.writers(path) or stack.writers(path[: [*shown, "*"].index("*")])
        is_open = not any(path[: len(one)] == one[: len(path)] for one in invalid)
        *lower, place = [writer.place(path) for writer in writers] or ["default"]
        yield SettingOrigin(
            name=dotted(path) if is_open else ".".join(shown),
            variable=stack.variable(path),
            value=_shown(inside, path, value) if is_open else _HIDDEN,
            source=writers[-1].source if writers else "default",
            place=place,
            shadowed=tuple(lower),
        )


def references_in(
    stack: SettingStack, blank: BaseSettings
) -> Iterator[tuple[str, SecretReference]]:
    """Yield the variable and the value of each leaf that is a reference to a secret, and valid."""
    slot = slot_of(type(blank))
    for path, value in nodes(_tree(stack, blank, is_valid=not stack.fill(blank))):
        if isinstance(value, str) and SecretReference in slot.at(path).classes:
            with suppress(ValidationError):
                yield stack.variable(path), SecretReference(value)


def _tree(stack: SettingStack, blank: BaseSettings, *, is_valid: bool) -> Any:
    """Return the settings under the names of fields; as they were written if they are not valid."""
    return _opened(blank) if is_valid else _completed(type(blank), stack.values)


def _opened(value: object) -> object:
    held = parts(value)
    if held is not None:
        return {str(key): _opened(item) for key, item in held.items()}
    return list(map(_opened, value)) if isinstance(value, list | tuple) else value


def _completed(kind: type[BaseModel], given: Mapping[str, Any]) -> dict[str, object]:
    """Return `given` under the names of the fields of `kind`, with its defaults."""
    written = {slot_of(kind).enter(key)[0]: item for key, item in given.items()}
    found = {}
    for name, field in kind.model_fields.items():
        is_default = not (name in written or field.default_factory_takes_validated_data)
        default = field.get_default(call_default_factory=True) if is_default else None
        value = written.get(name, None if field.is_required() else default)
        model = Slot(field.annotation).model
        is_open = isinstance(value, Mapping) or (field.is_required() and name not in written)
        found[name] = _completed(model, value or {}) if model and is_open else _opened(value)
    return found


def _shown(slot: Slot, path: KeyPath, value: Any) -> str:
    if value is None:
        return ""
    inside = [(path, value), *nodes(value, path)]
    is_typed = any(issubclass(one, _SECRETS) for one in slot.classes)
    if is_typed or any(isinstance(one, _SECRETS) for _, one in inside):
        return _HIDDEN
    # A number keeps the digits that JSON would round away.
    plain = value if isinstance(value, str | WrittenFloat) else _as_json(value)
    if any(looks_like_secret(*one) for one in [(path, plain), *nodes(plain, path)]):
        return _HIDDEN
    return str(plain) if isinstance(plain, str | WrittenFloat) else json.dumps(plain)


def _as_json(value: Any) -> Any:
    if hasattr(value, "__get_pydantic_core_schema__"):  # a single value, such as a path on S3
        return str(value)
    try:
        plain = to_jsonable_python(value, fallback=str)
        json.dumps(plain)
    except ValueError:  # bytes that are no UTF-8, a number of thousands of digits
        return f"a value of type {type(value).__name__}"
    return plain

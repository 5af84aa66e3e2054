"""Arguments of a log message: structured ones as JSON text, their secrets masked."""

from collections.abc import Mapping
from typing import Any, Final, final

from tradai.core._logging.safe_json import json_text, log_value
from tradai.core._secrets.redaction import MASK
from tradai.core._secrets.sensitive_keys import is_sensitive_key

_PLAIN: Final = frozenset({str, int, float, bool, type(None)})


def are_plain(args: object) -> bool:
    """Tell whether the arguments of a record are texts and numbers only."""
    return type(args) is tuple and _PLAIN.issuperset(map(type, args))


# The arguments of a record are a tuple, a mapping or nothing, which logging types as it likes.
def readable_arguments(args: object) -> Any:  # noqa: ANN401
    """Return the arguments of a record with JSON text in place of each structured one."""
    if isinstance(args, Mapping):
        return _MappingArgument(args)
    return tuple(map(readable, args)) if isinstance(args, tuple) else ()


# Typed as those of `readable_arguments`.
def masked_arguments(args: object) -> Any:  # noqa: ANN401
    """Return the arguments of a record, as JSON text only those with a secret by its name."""
    if isinstance(args, Mapping):
        shown = _MappingArgument(args)
        return shown if MASK in repr(shown) else args
    return tuple(map(_masked, args)) if isinstance(args, tuple) else args


def readable(value: object) -> object:
    """Return `value` itself, or its JSON text when it is structured."""
    shown = log_value(value)
    return json_text(shown) if isinstance(shown, dict | list) else value


def _masked(value: object) -> object:
    text = readable(value)
    return text if isinstance(text, str) and MASK in text else value


@final
class _MappingArgument(dict[str, object]):
    """The mapping among the arguments of a message: for ``%(name)s``, or to print whole."""

    def __init__(self, args: Mapping[str, object]) -> None:
        super().__init__((name, _item(name, args[name])) for name in args)
        self._args = args
        self._text = json_text(log_value(args))

    def __missing__(self, name: str) -> object:
        # Some mappings answer for names that they do not list: gunicorn's for its access log.
        return _item(name, self._args[name])

    def __repr__(self) -> str:
        return self._text


def _item(name: str, value: object) -> object:
    return MASK if is_sensitive_key(name) else readable(value)

"""JSON read exactly: keys do not repeat, and numbers keep their digits."""

import json
from typing import Any, final

from tradai.core._documents.yaml_scalars import written_float


@final
class RepeatedKeyError(ValueError):
    """An object of JSON has a key twice; neither key nor value is in the message."""


# JSON may be any value; the caller checks it.
def read_json(text: str) -> Any:  # noqa: ANN401
    """Return the value of `text`; a number that a float rounds keeps all of its digits.

    >>> read_json('{"fee": 0.1}')
    {'fee': 0.1}

    Raises:
        RepeatedKeyError: An object has a key twice.
        ValueError: It is not JSON.
        ArithmeticError: A number of it is too long.
        RecursionError: It is too deep.
    """
    return json.loads(text, object_pairs_hook=_object, parse_float=written_float)


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        # Neither the key nor the value is quoted: both may be secret.
        message = "an object repeats a key"
        raise RepeatedKeyError(message)
    return found

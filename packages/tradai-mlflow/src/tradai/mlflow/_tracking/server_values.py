"""Names and values that a server takes, whatever its version."""

import re
from collections.abc import Callable, Mapping
from posixpath import normpath
from typing import Final

from tradai.core import redact
from tradai.core.exceptions import ValidationError
from tradai.mlflow._client.limits import check_text, spilled

_KEY: Final = re.compile(r"[\w\-. :/]{1,250}")
_EXPECTED_KEY: Final = (
    "up to 250 letters, digits, underscores, dashes, dots, spaces, colons and slashes, and no "
    "path that leads upwards"
)
_ID: Final = re.compile(r"[\w\-.:@/]{1,200}")
_EXPECTED_ID: Final = "up to 200 letters, digits, underscores, dashes, dots, colons and slashes"


def check_key(key: str) -> None:
    """Check the name of a metric, parameter or tag.

    Raises:
        ValidationError: No server takes it.
    """
    check_text("name", key, key)
    is_plain = normpath(key) == key != "." and not key.startswith(("/", ".."))
    if _KEY.fullmatch(key) and is_plain:
        return
    message = f"the name {key!r} is not usable: expected {_EXPECTED_KEY}"
    raise ValidationError(message, field="name", expected=_EXPECTED_KEY)


def check_id(run_id: str) -> None:
    """Check the id of a run, which stands in searches.

    Raises:
        ValidationError: It is not usable.
    """
    if not _ID.fullmatch(run_id):
        message = f"the run id {run_id!r} is not usable: expected {_EXPECTED_ID}"
        raise ValidationError(message, field="id", expected=_EXPECTED_ID)


def server_values(
    values: Mapping[str, str], *, longest: int, spill: Callable[[str, str], None]
) -> dict[str, str]:
    """Return `values` without secrets; in place of one that is too long, its digest.

    Args:
        values: Values by name.
        longest: Number of characters that a value may have.
        spill: Keeps a long value as an artifact: it gets the name of the file and the text.

    Raises:
        ValidationError: No server takes one of the names, or a value is not a text.
    """
    taken: dict[str, str] = {}
    for key, value in values.items():
        check_key(key)
        check_text("value of", key, value)
        text = redact(value)
        if len(text) > longest:
            name, named = spilled(text)
            spill(name, text)
            text = named
        taken[key] = text
    return taken

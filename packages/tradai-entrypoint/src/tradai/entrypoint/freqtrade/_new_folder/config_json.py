"""Read the JSON of Freqtrade's configuration files, which may have comments and trailing commas."""

import json
import math
import re
from pathlib import Path
from typing import Final

from tradai.core import FileKind, JsonValue, UnusableFileError, read_regular_file
from tradai.core.exceptions import ConfigurationError, NotFoundError, StorageError
from tradai.entrypoint.freqtrade._new_folder.dotted_paths import DEEPEST, is_too_deep

# Atomic: a bracket inside a comment does not end the space.
_SPACE: Final = r"(?>\s|//[^\n]*|/\*.*?\*/)*+"
# Text first, so that nothing inside it is taken for a comment or a comma.
_TOLERATED: Final = re.compile(
    rf'(?P<text>"(?:[^"\\]|\\.)*")|//[^\n]*|/\*.*?\*/|,(?={_SPACE}[\]}}])', re.DOTALL
)


def read_object(path: Path) -> dict[str, JsonValue]:
    """Return the JSON object in the file at `path`.

    Raises:
        NotFoundError: There is no such file.
        ConfigurationError: It is not a JSON object, or a key is nested too deep; no value of it is
            repeated, as it may be secret.
        StorageError: It cannot be read.
    """
    value, problem = _parsed(_text(path))
    if problem:
        # Outside the handler: the error of the parser holds the whole text.
        raise _file_error(path, problem)
    if not isinstance(value, dict):
        raise _file_error(path, "holds no JSON object: expected one with the keys of Freqtrade")
    for key in value:
        if is_too_deep(value[key]):
            message = f"{key} in {path} is nested deeper than {DEEPEST} levels: flatten it"
            raise ConfigurationError(message, key=key, source=str(path))
    return value


def plain_json_text(text: str) -> str:
    """Return `text` with spaces in the place of comments and trailing commas.

    >>> plain_json_text('[1, /* two */ 3,]')
    '[1,           3 ]'
    """
    return _TOLERATED.sub(lambda found: found["text"] or re.sub(r"[^\n]", " ", found[0]), text)


def _parsed(text: str) -> tuple[JsonValue, str]:
    """Return the value that `text` holds, or the problem with it."""
    try:
        return json.loads(plain_json_text(text), parse_int=_whole), ""
    except json.JSONDecodeError as exc:
        return None, f"is not JSON from line {exc.lineno}, column {exc.colno} on"
    except RecursionError:
        return None, "is nested too deeply"


def _whole(digits: str) -> int | float:
    """Return a whole number; infinity for one that is larger than any float."""
    number = float(digits)
    return int(digits) if math.isfinite(number) else number


def _text(path: Path) -> str:
    try:
        return read_regular_file(path, FileKind.CONFIGURATION).decode("utf-8-sig")
    except FileNotFoundError:
        message = f"no configuration of Freqtrade at {path}: name a file that there is"
        raise NotFoundError(message, kind="configuration", key=str(path)) from None
    except UnicodeDecodeError:
        raise _file_error(path, "is not UTF-8 text") from None
    except UnusableFileError as exc:
        raise _file_error(path, f"cannot be read: {exc.strerror}") from None
    except OSError as exc:
        message = f"{path} cannot be read: {exc.strerror}"
        raise StorageError(message, operation="read") from exc


def _file_error(path: Path, problem: str) -> ConfigurationError:
    return ConfigurationError(f"{path} {problem}", key="--from-freqtrade", source=str(path))

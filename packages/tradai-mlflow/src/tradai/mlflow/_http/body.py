"""The body of an answer: as much of it as fits into memory, as text and as JSON."""

import json
from typing import Final

import requests

from tradai.mlflow._http.request import Answer

# The most that a page of a thousand long entries has.
MOST_BYTES: Final = 256 * 1024 * 1024
_BLOCK: Final = 256 * 1024


class AnswerTooLargeError(Exception):
    """The body has more than `MOST_BYTES`, perhaps only after it was decompressed."""


def content(response: requests.Response) -> str:
    """Return the body of `response`, which is read here and not before.

    JSON is UTF-8. To guess the encoding of anything else takes longer than a deadline.

    Raises:
        AnswerTooLargeError: It is larger than we read.
    """
    data = bytearray()
    while block := response.raw.read(_BLOCK, decode_content=True):
        data += block
        if len(data) > MOST_BYTES:
            raise AnswerTooLargeError
    return data.decode(errors="replace")


def parsed(text: str) -> Answer | None:
    """Return the JSON object that `text` is; None when it is something else."""
    try:
        answer = json.loads(text)
    # JSON that is nested too deep for Python ends as the latter.
    except (ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) else None

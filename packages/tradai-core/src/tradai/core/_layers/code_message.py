"""Messages of errors, reduced to the constants of the code that raised them."""

import re
import traceback
from collections.abc import Iterator
from typing import Final

_MASK: Final = "***"
# Fields of str.format, and conversions of the % operator.
_FIELD: Final = re.compile(r"\{[^{}]*\}|%(?:\(\w+\))?[-#0 +]*[0-9.]*[a-zA-Z]")
# A word alone may be what a value is compared with; a piece of a sentence has a space.
_SENTENCE: Final = re.compile(r"(?=.*\s)(?=.*[^\W\d_]{2})", re.DOTALL)


def code_message(error: BaseException) -> str:
    """Return the message of `error` with stars for each part that is not a constant of the code.

    Such a part may be a value, which must not be shown. The message is empty if it has no
    constant.
    """
    message = str(error)
    shown = ["\0"] * len(message)
    for piece in _pieces(error, message):
        for found in re.finditer(re.escape(piece), message):
            shown[found.start() : found.end()] = piece
    text = re.sub("\0+", _MASK, "".join(shown))
    return "" if text == _MASK else " ".join(text.split())


def _pieces(error: BaseException, message: str) -> Iterator[str]:
    """Yield the constant pieces of sentences in the code that `error` passed through."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        named = (frame.f_globals.get(name) for name in frame.f_code.co_names)
        # A global text counts as a whole only.
        constants = [*frame.f_code.co_consts, *(one for one in named if one == message)]
        for constant in constants:
            pieces = [constant, *_FIELD.split(constant)] if isinstance(constant, str) else []
            yield from filter(_SENTENCE.match, pieces)

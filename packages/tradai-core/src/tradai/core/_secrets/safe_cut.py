"""Cut a line that is too long without cutting a secret in two, which would not be masked then."""

from collections.abc import Callable
from typing import Final

# A longer line is cut into pieces, so that memory stays bounded whatever a program prints.
LONGEST_LINE: Final = 64 * 1024
# So much of the text after the cut must be known. A longer secret may show.
CUT_LOOK_AHEAD: Final = 8 * 1024


def safe_cut(data: bytes, at: int, mask: Callable[[str], str]) -> int:
    """Return the place up to `at` to cut `data`, which masks to the same text cut or whole.

    >>> from tradai.core import redact
    >>> data = b"Authorization: Bearer not-a-real-token-1 sent"
    >>> data[: safe_cut(data, 30, redact)]
    b'Authorization: '

    Args:
        data: The text, with `CUT_LOOK_AHEAD` bytes after `at` when there are as many.
        at: Number of bytes before the cut, at the most.
        mask: Masks the secrets in a text.

    Returns:
        The place; `at` when a secret is too long for any.
    """
    start = max(0, at - CUT_LOOK_AHEAD)
    around = data[start : at + CUT_LOOK_AHEAD]
    whole = _masked(around, mask)
    step = 0
    while (before := at - start - step) > 0:
        if _masked(around[:before], mask) + _masked(around[before:], mask) == whole:
            return start + before
        step += max(1, step // 8)
    return at


def _masked(data: bytes, mask: Callable[[str], str]) -> str:
    return mask(data.decode(errors="replace"))

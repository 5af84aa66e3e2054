"""Text that a terminal shows and does not obey."""


def printable(text: str) -> str:
    r"""Return `text` with each character that is not printable, newlines too, as an escape.

    >>> print(printable("\x1b[2J"))
    \x1b[2J
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)

"""Names in a store that become paths of files below a folder."""

from typing import Final

_NO_PARTS: Final = frozenset({"", ".", ".."})


def is_relative_path(name: str) -> bool:
    """Tell whether `name` is the path of a file that lies below the folder that it is joined to.

    >>> [is_relative_path(name) for name in ("a/b.txt", "/a", "a/../b", "a//b", "")]
    [True, False, False, False, False]
    """
    return "\0" not in name and _NO_PARTS.isdisjoint(name.split("/"))

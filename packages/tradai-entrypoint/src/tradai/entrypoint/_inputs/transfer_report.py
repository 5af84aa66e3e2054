"""Report on a folder that was sent to a store or brought back."""

from dataclasses import dataclass, field
from typing import final


@final
@dataclass(slots=True, kw_only=True)
class Transfer:
    """Names of files, by what happened to each.

    Attributes:
        uri: The folder in the store, as a prefix that ends with a slash.
        moved: Files that were written, to the store or to this machine.
        unchanged: Files that were there already.
        extra: Files that only the side written to has, and that stayed.
        deleted: Such files that were removed.
    """

    uri: str
    moved: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    extra: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)

"""Paths in settings that stay inside their folder, and are checked for what they are needed for."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, final

from tradai.core.exceptions import ValidationError

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, ValidationInfo
    from pydantic_core import CoreSchema

Access: TypeAlias = Literal["read", "write", "create"]

_MODES: Final = {"read": os.R_OK, "write": os.W_OK, "create": os.W_OK}
_AS_ACTED: Final = os.access in os.supports_effective_ids
_INSIDE: Final = "a relative path that stays inside its folder, without .. or links that leave it"
_ACCESSIBLE: Final = {
    "read": "a file or folder that this user can read",
    "write": "a file or folder that is there and that this user can write",
    "create": "a place where this user can write",
}


@final
@dataclass(frozen=True, slots=True)
class InsideFolder:
    """Marks a path that cannot leave a folder: ``Annotated[Path, InsideFolder("read")]``.

    It is written relative to the folder, and becomes absolute with all links followed. What
    ``..``, an absolute path or a link would take out of the folder is refused, and so is what this
    user cannot use as needed at that moment.

    Attributes:
        access: ``read`` or ``write`` what is there, or ``create`` what may not be there yet.
        root: The folder; by default the one of the file that names the path, and for a path from
            elsewhere the working folder.
    """

    access: Access = "read"
    root: Path | None = None

    def __get_pydantic_core_schema__(
        self, source: type[Path], handler: "GetCoreSchemaHandler"
    ) -> "CoreSchema":
        """Check the path after pydantic has made it."""
        # Core does not import pydantic for a module that only names rules.
        from pydantic import AfterValidator

        return AfterValidator(self._resolve).__get_pydantic_core_schema__(source, handler)

    def _resolve(self, path: Path, info: "ValidationInfo") -> Path:
        """Return the place of `path`; the context tells which paths were taken from a file."""
        folders = info.context if isinstance(info.context, Mapping) else {}
        folder = folders.get(str(path))
        inside = path.relative_to(folder) if folder else path
        found = _within(self.root or folder or Path.cwd(), inside)
        if found is None:
            raise _path_error(_INSIDE)
        if not _is_usable(found, self.access):
            raise _path_error(_ACCESSIBLE[self.access])
        return found


def _within(root: Path, inside: Path) -> Path | None:
    if inside.is_absolute() or ".." in inside.parts:
        return None
    try:
        found = (root / inside).resolve()
        return found if found.is_relative_to(root.resolve()) else None
    except (OSError, RuntimeError, ValueError):
        # Links in a circle, and characters that no path can have.
        return None


def _is_usable(path: Path, access: Access) -> bool:
    place = path
    while access == "create" and not place.exists() and place != place.parent:
        place = place.parent
    wanted = _MODES[access] | (os.X_OK if place.is_dir() else 0)
    is_blocked = place != path and not place.is_dir()
    return not is_blocked and os.access(place, wanted, effective_ids=_AS_ACTED)


def _path_error(expected: str) -> ValidationError:
    return ValidationError(f"a path is not usable: expected {expected}", expected=expected)

"""The engine's package with one file of its own replaced; the installed package is not changed.

The engine reads some data from files beside its code, at paths that no setting changes.
"""

from pathlib import Path, PurePosixPath

from tradai.core import file_errors


def overlay_package(package: Path, name: str, content: bytes, *, root: Path) -> None:
    """Lay out `package` in the new folder `root`: links to its files, and `content` as `name`.

    Python imports it in the place of the installed one when `root` is first on its path.

    Args:
        package: Folder of the installed package.
        name: Path of the replaced file in the package.
        content: Its content.
        root: Folder of the new package; created.

    Raises:
        StorageError: The disk refused.
    """
    source, target = package.absolute(), root / package.name
    with file_errors("write", target):
        for step in PurePosixPath(name).parts:
            target.mkdir(parents=True)
            for entry in source.iterdir():
                if entry.name != step:
                    (target / entry.name).symlink_to(entry)
            source, target = source / step, target / step
        target.write_bytes(content)

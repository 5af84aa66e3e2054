"""Files behind the URIs of a session's state, and the disks they are on."""

import os
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from tradai.entrypoint._preflight.facts import Disk, StatePlaces

_SQLITE: Final = re.compile(r"sqlite(\+\w+)?:", re.IGNORECASE)
_MOUNTS: Final = Path("/proc/self/mountinfo")
# Files that Docker and Podman put into each container.
_CONTAINER_FILES: Final = (Path("/.dockerenv"), Path("/run/.containerenv"))
# Variables of ECS, which Fargate sets too, and of Kubernetes.
_CONTAINER_VARIABLES: Final = (
    "ECS_CONTAINER_METADATA_URI_V4",
    "ECS_CONTAINER_METADATA_URI",
    "AWS_EXECUTION_ENV",
    "KUBERNETES_SERVICE_HOST",
)
_MACOS_MOUNT: Final = re.compile(r"^.+ on (?P<point>/.*) \((?P<kind>\w+)[,)]", re.MULTILINE)
_OCTAL: Final = re.compile(r"\\([0-7]{3})")


def is_sqlite(uri: str) -> bool:
    """Return whether `uri` names a database of sqlite."""
    return _SQLITE.match(uri) is not None


def state_file(uri: str) -> Path | None:
    """Return the file that `uri` names; None when it names something else.

    >>> state_file("sqlite:////data/trades.sqlite")
    PosixPath('/data/trades.sqlite')
    >>> state_file("s3://bucket/lease") is None
    True
    """
    parts = urlsplit(uri)
    if is_sqlite(uri):
        # One slash ends the empty host; the name of a file of the working folder follows it.
        name = unquote(parts.path.removeprefix("/"))
        is_memory = not name or name == ":memory:" or "mode=memory" in parts.query
        return None if is_memory else _absolute(name)
    if parts.scheme == "file":
        return _absolute(unquote(parts.path))
    # A plain path counts as file:.
    return _absolute(uri) if not parts.scheme and uri else None


def state_places(
    uris: Mapping[str, str], *, environ: Mapping[str, str], durable_volume: str | None
) -> StatePlaces:
    """Return the places of the state at `uris`, with the disks that this machine has there.

    Args:
        uris: URI by what is there.
        environ: The environment, which says that this is a container.
        durable_volume: Folder of a volume that outlives the container; None for none.
    """
    files = {file for uri in uris.values() if (file := state_file(uri)) is not None}
    kinds = disk_kinds(_mounts())
    return StatePlaces(
        uris=uris,
        disks={file: Disk(kind=_kind_at(file, kinds)) for file in files},
        is_container=is_container(environ),
        durable_volume=None if not durable_volume else _absolute(durable_volume),
    )


def is_container(environ: Mapping[str, str], files: Iterable[Path] = _CONTAINER_FILES) -> bool:
    """Return whether this process runs in a container."""
    is_named = any(environ.get(name) for name in _CONTAINER_VARIABLES)
    return is_named or any(file.exists() for file in files)


def disk_kinds(mounts: str) -> dict[Path, str]:
    """Return types of file systems by mount point, of Linux's mountinfo or macOS's `mount`."""
    kinds: dict[Path, str] = {}
    for line in mounts.splitlines():
        before, separator, after = line.partition(" - ")
        fields = before.split()
        if separator and len(fields) > 4 and after:  # noqa: PLR2004 - the fifth is the mount point
            kinds[Path(_OCTAL.sub(_octal, fields[4]))] = after.split()[0]
    for match in _MACOS_MOUNT.finditer(mounts):
        kinds.setdefault(Path(match["point"]), match["kind"])
    return kinds


def _octal(match: "re.Match[str]") -> str:
    return chr(int(match[1], 8))


def _kind_at(file: Path, kinds: Mapping[Path, str]) -> str | None:
    resolved = file.resolve()
    return next((kinds[each] for each in (resolved, *resolved.parents) if each in kinds), None)


def _mounts() -> str:
    try:
        if sys.platform == "linux":
            return _MOUNTS.read_text(encoding="utf-8", errors="surrogateescape")
        return subprocess.run(
            ["/sbin/mount"], capture_output=True, text=True, timeout=10, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        # Not known, which LIVE refuses.
        return ""


def _absolute(name: str) -> Path:
    return Path(os.path.normpath(Path.cwd() / name))

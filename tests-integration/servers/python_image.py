"""A base image with this Python and a shell, made from files of this machine: no hub is needed."""

import io
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from servers.process import missing

if TYPE_CHECKING:
    from docker import DockerClient

NAME: Final = "local/python:base"
# Libraries that wheels link against; they are part of most base images.
_FOR_WHEELS: Final = (
    "libdl.so.2",
    "libgcc_s.so.1",
    "libgomp.so.1",
    "libpthread.so.0",
    "librt.so.1",
    "libstdc++.so.6",
    "libutil.so.1",
)
_LEFT_OUT: Final = {"dist-packages", "idlelib", "lib2to3", "site-packages", "test"}
# Without these each container would compile what it imports, which takes an engine a second.
_COMPILED: Final = f".{sys.implementation.cache_tag}.pyc"
PYTHON: Final = f"python{sys.version_info.major}.{sys.version_info.minor}"
_FOLDERS: Final = (
    "etc",
    "home",
    "proc",
    "root",
    "sys",
    "tmp",
    "usr",
    "usr/bin",
    "usr/lib",
    "var",
)
_PATH: Final = "/usr/local/bin:/usr/bin:/bin"


def make_python_image(client: "DockerClient") -> str:
    """Import the image into a daemon, and return its name.

    It holds this interpreter and its compiled standard library below ``/usr/local``, the libraries
    of both, and busybox.
    """
    changes = [f"ENV PATH={_PATH}", "ENV LANG=C.UTF-8", 'CMD ["python3"]']
    data = _archive()
    client.api.import_image_from_data(
        data, NAME.split(":")[0], tag=NAME.split(":")[1], changes=changes
    )
    return NAME


def add_base(archive: tarfile.TarFile) -> None:
    """Add the files of the image to an archive."""
    for name in _FOLDERS:
        _add_folder(archive, name)
    for name, target in (("bin", "usr/bin"), ("lib", "usr/lib"), ("lib64", "usr/lib64")):
        _add_link(archive, name, target)
    _add_busybox(archive)
    _add_python(archive)


def add_text(archive: tarfile.TarFile, name: str, text: str, *, mode: int = 0o644) -> None:
    """Add a file with `text` to an archive."""
    data = text.encode()
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(data), mode
    archive.addfile(member, io.BytesIO(data))


def owned_by_root(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Return the entry of an archive as one of root, which everyone may read."""
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    member.mode |= 0o444
    return member


def _archive() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        add_base(archive)
    return buffer.getvalue()


def _add_python(archive: tarfile.TarFile) -> None:
    # That of a virtual environment is a link.
    program = Path(sys.executable).resolve()
    library = Path(sysconfig.get_path("stdlib"))
    files = {f"usr/local/bin/{PYTHON}": program}
    for file in _files(library):
        files[f"usr/local/lib/{PYTHON}/{file.relative_to(library)}"] = file
    binaries = [path for path in files.values() if path.suffix == ".so" or path == program]
    for path in _libraries(binaries):
        is_loader = path.name.startswith("ld-linux")
        files[f"usr/lib64/{path.name}" if is_loader else f"usr/lib/{path.name}"] = path
    for name, path in sorted(files.items()):
        archive.add(path.resolve(), name, recursive=False, filter=owned_by_root)
    _add_link(archive, "usr/local/bin/python3", PYTHON)


def _files(library: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(library):
        folders[:] = sorted(set(folders) - _LEFT_OUT)
        if not Path(folder).name.startswith("config-"):
            yield from (Path(folder, name) for name in sorted(names) if _is_wanted(folder, name))


def _is_wanted(folder: str, name: str) -> bool:
    return not folder.endswith("__pycache__") or name.endswith(_COMPILED)


def _libraries(binaries: Iterable[Path]) -> set[Path]:
    """Return the shared libraries that `binaries` need, and those of the list above."""
    known = subprocess.run(["ldconfig", "-p"], capture_output=True, text=True, check=True).stdout
    roots = [Path(line.split()[-1]) for line in known.splitlines() if _is_for_wheels(line)]
    linked = subprocess.run(
        ["ldd", *binaries, *roots], capture_output=True, text=True, check=False
    ).stdout
    found = {Path(text) for text in re.findall(r"(/\S+\.so\S*)\s+\(0x", linked)}
    return found | set(roots)


def _is_for_wheels(line: str) -> bool:
    return line.strip().startswith(_FOR_WHEELS) and platform.machine().replace("_", "-") in line


def _add_busybox(archive: tarfile.TarFile) -> None:
    program = shutil.which("busybox")
    if program is None:
        missing("docker", "no busybox on PATH: install busybox-static of Debian")
    archive.add(Path(program).resolve(), "usr/bin/busybox", filter=owned_by_root)
    applets = subprocess.run([program, "--list"], capture_output=True, text=True, check=True).stdout
    for name in set(applets.split()) - {"busybox"}:
        _add_link(archive, f"usr/bin/{name}", "busybox")


def _add_folder(archive: tarfile.TarFile, name: str) -> None:
    member = tarfile.TarInfo(name)
    member.type = tarfile.DIRTYPE
    member.mode = 0o1777 if name == "tmp" else 0o755
    archive.addfile(member)


def _add_link(archive: tarfile.TarFile, name: str, target: str) -> None:
    member = tarfile.TarInfo(name)
    member.type = tarfile.SYMTYPE
    member.linkname = target
    archive.addfile(member)

"""Sources of an image: a context, a Dockerfile and its arguments, under a tag of their content."""

import io
import os
import re
import stat
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import IO, Any, Final, final

from tradai.core import JobPlatform, digest, looks_like_secret
from tradai.core.exceptions import ConfigurationError, NotFoundError, ValidationError

DOCKERFILE: Final = ".tradai.Dockerfile"
_BASE: Final = "BASE"
_PINNED: Final = re.compile(r"\S+@sha256:[0-9a-f]{64}")
_ARGUMENT: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_FROM: Final = re.compile(
    r"^\s*FROM\s+(?:--platform=\S+\s+)?(\S+)(?:\s+AS\s+(\S+))?\s*$", re.IGNORECASE | re.MULTILINE
)
_EXPECTED_BASE: Final = "NAME@sha256: and 64 hexadecimal digits"
_EXPECTED_PLAIN: Final = "no secret: an image shows its build arguments to all who can pull it"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSource:
    """All that an image is built from; equal content has an equal tag.

    Attributes:
        context: Folder whose files the build may copy; ``.dockerignore`` in it leaves some out.
        base: Base image, pinned by its digest; the Dockerfile has it as the argument ``BASE``.
        dockerfile: The Dockerfile; it may lie outside the context.
        arguments: Further arguments of the build.
        platform: System and processor of the image.
    """

    context: Path
    base: str
    dockerfile: Path
    arguments: Mapping[str, str] = field(default_factory=dict)
    platform: JobPlatform = JobPlatform.LINUX_AMD64

    def __post_init__(self) -> None:
        """Check the base and the arguments.

        Raises:
            ValidationError: The base is not pinned, or an argument seems to hold a secret.
        """
        if not _PINNED.fullmatch(self.base):
            message = f"the base image {self.base} is not pinned: expected {_EXPECTED_BASE}"
            raise ValidationError(message, field="base", expected=_EXPECTED_BASE)
        for name, text in self.arguments.items():
            if not _ARGUMENT.fullmatch(name) or name == _BASE:
                expected = f"a name of letters, digits and underscores other than {_BASE}"
                message = f"the build argument {name!r} is not usable: expected {expected}"
                raise ValidationError(message, field="arguments", expected=expected)
            if looks_like_secret([name], text):
                # A traceback may show what this frame holds.
                del text
                message = f"the build argument {name} seems to hold a secret: {_EXPECTED_PLAIN}"
                raise ValidationError(message, field="arguments", expected=_EXPECTED_PLAIN)

    @property
    def build_arguments(self) -> dict[str, str]:
        """Arguments of the build, with the base."""
        return {_BASE: self.base, **self.arguments}

    def tag(self) -> str:
        """Return the tag of the content; see `pack`."""
        with _Nowhere() as file:
            return self.pack(file)

    def pack(self, file: "IO[bytes] | _Nowhere") -> str:
        """Write the context and the Dockerfile to `file` as a tar archive; return the content tag.

        The tag depends on names, contents, links and executable bits, never on times and owners.

        Raises:
            NotFoundError: The folder or the Dockerfile does not exist.
            ValidationError: The Dockerfile starts from an image that is not pinned.
        """
        text = self._dockerfile_text()
        entries: list[list[str]] = []
        with tarfile.open(fileobj=file, mode="w|", format=tarfile.GNU_FORMAT) as archive:
            entries += [[name, *_add(archive, self.context / name, name)] for name in self._names()]
            _add_data(archive, DOCKERFILE, text.encode())
        content = {
            "entries": entries,
            "dockerfile": text,
            "arguments": self.build_arguments,
            "platform": self.platform.value,
        }
        return f"content-{digest(content)[:32]}"

    def _names(self) -> list[str]:
        """Return the names of the files and folders that ``.dockerignore`` leaves."""
        try:
            from docker.utils.build import exclude_paths
        except ImportError as exc:
            message = f"the client of Docker cannot be loaded ({exc}); install tradai-aws[docker]"
            raise ConfigurationError(message, key="docker") from exc
        if not self.context.is_dir():
            message = f"there is no folder {self.context} to build an image from"
            raise NotFoundError(message, kind="folder", key=str(self.context))
        ignored = self.context / ".dockerignore"
        lines = ignored.read_text(encoding="utf-8").splitlines() if ignored.is_file() else []
        patterns = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
        names = set(exclude_paths(str(self.context), patterns)) - {"", ".dockerignore"}
        return sorted(name.replace(os.sep, "/") for name in names)

    def _dockerfile_text(self) -> str:
        try:
            text = self.dockerfile.read_text(encoding="utf-8")
        except OSError as exc:
            message = f"the Dockerfile {self.dockerfile} cannot be read: {exc.strerror}"
            raise NotFoundError(message, kind="file", key=str(self.dockerfile)) from exc
        for image in _unpinned(text):
            message = (
                f"{self.dockerfile} starts from {image}: expected {_EXPECTED_BASE}, or ${_BASE}"
            )
            raise ValidationError(message, field="dockerfile", expected=_EXPECTED_BASE)
        return text


def _unpinned(dockerfile: str) -> Iterator[str]:
    """Yield the images that the Dockerfile starts from and that may change."""
    stages = {"scratch", f"${_BASE}", f"${{{_BASE}}}"}
    for image, stage in _FROM.findall(dockerfile):
        if image not in stages and not _PINNED.fullmatch(image):
            yield image
        stages.add(stage)


def _add(archive: tarfile.TarFile, path: Path, name: str) -> tuple[str, str]:
    """Add a file, link or folder; return its type and content."""
    mode = path.lstat().st_mode
    member = tarfile.TarInfo(name)
    if stat.S_ISLNK(mode):
        member.type, member.linkname = tarfile.SYMTYPE, str(path.readlink())
        archive.addfile(member)
        return "link", member.linkname
    is_executable = stat.S_ISDIR(mode) or bool(mode & stat.S_IXUSR)
    member.mode = 0o755 if is_executable else 0o644
    if stat.S_ISDIR(mode):
        member.type = tarfile.DIRTYPE
        archive.addfile(member)
        return "folder", ""
    if not stat.S_ISREG(mode):
        expected = "files, folders and links"
        message = f"{path} cannot be in an image: expected {expected}"
        raise ValidationError(message, field="context", expected=expected)
    with path.open("rb") as file:
        reader = _HashingReader(file)
        member.size = os.fstat(file.fileno()).st_size
        archive.addfile(member, reader)
    return "program" if is_executable else "file", reader.digest


def _add_data(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    archive.addfile(member, io.BytesIO(data))


@final
class _Nowhere(io.RawIOBase):
    """A file that keeps nothing."""

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:  # noqa: ANN401 - any buffer, as for every file
        return len(data)


@final
class _HashingReader(io.RawIOBase):
    """Reads a file and hashes exactly what was read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._hash = sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self._hash.update(data)
        return data

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()

"""Folders of artifacts by their URI: behind the server, or in a store of ours."""

from dataclasses import dataclass
from typing import Final, TypeAlias, final
from urllib.parse import unquote, urlsplit

from tradai.core.exceptions import ConfigurationError, ValidationError
from tradai.mlflow._http.request import ARTIFACTS_API

_STORES: Final = ("s3",)
# Servers decode a percent sign once more than they should, and refuse the others.
_REFUSED: Final = frozenset("%#\\")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ProxiedRoot:
    """A folder that the server hands out itself; `path` is below its own root."""

    path: str

    def request_path(self, path: str) -> str:
        """Return the path of the request for a file."""
        return f"{ARTIFACTS_API}/{joined(self.path, path)}"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRoot:
    """A folder in a store that the client reads and writes itself."""

    uri: str

    def object_uri(self, path: str) -> str:
        """Return the URI of a file."""
        return joined(self.uri, path)


ArtifactRoot: TypeAlias = ProxiedRoot | StoredRoot


@final
class UnreachableRootError(ConfigurationError):
    """The artifacts are in a place that only the server reaches."""

    code = "mlflow_unreachable_root"


def artifact_root(uri: str) -> ArtifactRoot:
    """Return the folder at `uri`.

    Raises:
        UnreachableRootError: It is on a disk of the server, or in a store of another kind.
    """
    parts = urlsplit(uri)
    if parts.scheme == "mlflow-artifacts":
        return ProxiedRoot(path=unquote(parts.path).strip("/"))
    if parts.scheme in {"http", "https"} and ARTIFACTS_API in parts.path:
        return ProxiedRoot(path=unquote(parts.path.partition(ARTIFACTS_API)[2]).strip("/"))
    if parts.scheme in _STORES:
        return StoredRoot(uri=uri)
    message = (
        f"the artifacts are kept in {parts.scheme or 'file'}: where only the server reaches them; "
        "start it with --serve-artifacts, or with an s3:// root"
    )
    raise UnreachableRootError(message, key="MLFLOW_TRACKING_URI")


def joined(folder: str, path: str) -> str:
    """Return `path` below `folder`; an empty path is the folder."""
    return "/".join(part for part in (folder.rstrip("/"), path.strip("/")) if part)


def checked_path(path: str) -> str:
    """Return `path` itself.

    Raises:
        ValidationError: It is empty, leads out of the folder, or has a character that MLflow reads
            as another one or refuses.
    """
    is_plain = path.isprintable() and not set(path) & _REFUSED
    if is_plain and not {"", ".", ".."} & set(path.split("/")):
        return path
    expected = (
        "a relative path of printable characters but % # and backslash, without '.', '..' and "
        "empty parts, such as report/index.html"
    )
    message = f"the artifact path {path!r} is not usable: expected {expected}"
    raise ValidationError(message, field="path", expected=expected)

"""Configuration in S3: a model, and which version of which object it came from."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Generic, TypeVar, final

import pydantic
from pydantic_core import ErrorDetails

from tradai.aws._s3.store import S3Store
from tradai.core import (
    Clock,
    LayerData,
    Origin,
    S3Path,
    SystemClock,
    YamlDocument,
    read_yaml,
    read_yaml_fields,
)
from tradai.core.exceptions import ConfigurationError

__all__ = ["S3Config", "S3Layer", "load_config"]

M = TypeVar("M", bound=pydantic.BaseModel)

_MOST_BYTES: Final = 1_000_000
# What validators of others say, and what pydantic says of tags, may hold the value.
_QUOTING: Final = frozenset({"assertion_error", "union_tag_invalid", "value_error"})


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class S3Config(Generic[M]):
    """A model read from S3, and what it was read from.

    Attributes:
        model: The model.
        uri: Where it was read.
        version_id: S3's id of the version; None in a bucket that keeps no versions.
        etag: S3's tag of the object.
        sha256: Of the object's bytes, in hex.
        loaded_at: When it was read, in UTC.
    """

    model: M
    uri: str
    version_id: str | None
    etag: str
    sha256: str
    loaded_at: datetime


def load_config(
    path: str | S3Path,
    model: type[M],
    *,
    known: S3Config[M] | None = None,
    require_version: bool = False,
    store: S3Store | None = None,
    clock: Clock | None = None,
) -> S3Config[M]:
    """Read the YAML or JSON object at `path` as a `model`; at most 1,000,000 bytes.

    Args:
        path: The object.
        model: What it must fit.
        known: What was read before. While S3 still has its tag, nothing is transferred, and `known`
            itself is returned.
        require_version: Refuse an object of which S3 keeps no version: who trades by it could
            never show what it said.
        store: Where to read; by default S3 as the environment says.
        clock: Tells the time of loading.

    Raises:
        NotFoundError: There is no such object.
        ConfigurationError: It is too large, is not YAML, does not fit the model (every problem is
            listed with its line, none with its value), or has no version.
        AwsError: S3 refused, or cannot be reached.
    """
    uri = str(path)
    reader = store or S3Store()
    if known is not None and known.uri == uri:
        changed = reader.fetch_if_changed(uri, known.etag, max_bytes=_MOST_BYTES)
        found = known if changed is None else changed
    else:
        found = reader.fetch(uri, max_bytes=_MOST_BYTES)
    if require_version:
        _check_version(found.version_id, uri)
    if isinstance(found, S3Config):
        return found
    return S3Config(
        model=_validated(model, _document(found.data, uri), uri),
        uri=uri,
        version_id=found.version_id,
        etag=found.etag,
        sha256=hashlib.sha256(found.data).hexdigest(),
        loaded_at=(clock or SystemClock()).now(),
    )


@final
class S3Layer:
    """A YAML object on S3 as a layer of configuration, which tells the version of every value.

    >>> S3Layer("s3://lake/trend.yaml").name
    's3://lake/trend.yaml'
    """

    def __init__(
        self, path: str | S3Path, *, require_version: bool = False, store: S3Store | None = None
    ) -> None:
        """Read `path` from `store`, by default S3 as the environment says when it is loaded.

        With `require_version` an object of which S3 keeps no version is refused.
        """
        self.name = str(path)
        self._require_version = require_version
        self._store = store

    def load(self) -> LayerData:
        """Read the object.

        Raises:
            NotFoundError: There is no such object.
            ConfigurationError: It is too large, is not YAML, or has no version.
            AwsError: S3 refused, or cannot be reached.
        """
        found = (self._store or S3Store()).fetch(self.name, max_bytes=_MOST_BYTES)
        if self._require_version:
            _check_version(found.version_id, self.name)
        source = f"{self.name}@{found.version_id}" if found.version_id else self.name
        document = read_yaml_fields(found.data, source=source)
        origins = {
            ".".join(map(str, path)): Origin(source=source, line=line, column=column)
            for path, (line, column) in document.marks.items()
        }
        return LayerData(values=document.values, origins=origins)


def _check_version(version_id: str | None, uri: str) -> None:
    if version_id is None:
        message = f"{uri} has no version; turn on versioning for its bucket, then write it again"
        raise ConfigurationError(message, source=uri)


def _document(data: bytes, uri: str) -> YamlDocument:
    # Refuses NaN and infinity, which a model takes unless each of its fields says otherwise.
    read_yaml(data, source=uri)
    return read_yaml_fields(data, source=uri)


def _validated(model: type[M], document: YamlDocument, uri: str) -> M:
    valid: M | None = None
    errors: list[ErrorDetails] = []
    try:
        valid = model.model_validate(document.values)
    except pydantic.ValidationError as exc:
        errors = exc.errors(include_url=False)
    # Outside of the except block: what pydantic raises holds the values.
    if valid is None:
        problems = [_problem(error, document, uri) for error in errors]
        raise ConfigurationError("\n".join(problems), source=uri)
    return valid


def _problem(error: ErrorDetails, document: YamlDocument, uri: str) -> str:
    path = error["loc"]
    while path and path not in document.marks:
        path = path[:-1]
    line, _ = document.marks.get(path, (1, 1))
    quotes = error["type"] in _QUOTING or str(error["input"]) in error["msg"]
    sentence = "is not valid" if quotes else error["msg"].replace("Input should be", "must be")
    key = ".".join(map(str, error["loc"])) or "the whole"
    return f"{uri}:{line}: {key}: {sentence}"

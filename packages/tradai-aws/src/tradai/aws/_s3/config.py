"""Configuration files in S3, read as a model or a layer with the version of the object."""

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
    error_sentence,
    read_yaml,
    read_yaml_fields,
)
from tradai.core.exceptions import ConfigurationError

M = TypeVar("M", bound=pydantic.BaseModel)

_MAX_BYTES: Final = 1_000_000


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class S3Config(Generic[M]):
    """A model read from S3, and the object that it was read from.

    Attributes:
        model: The model.
        uri: URI of the object.
        version_id: S3's id of the version; None in a bucket that keeps no versions.
        etag: S3's tag of the object.
        sha256: Hash of the object's bytes, in hex.
        loaded_at: Instant of reading, in UTC.
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
        path: URI of the object.
        model: Model to validate it with.
        known: Result of an earlier call. While the object still has the same tag, nothing is
            transferred, and `known` itself is returned.
        require_version: Refuse an object without a version: a trade could never be traced back to
            the configuration that it was made by.
        store: Store to read from; by default S3 with the settings of the environment.
        clock: Clock for `S3Config.loaded_at`.

    Raises:
        NotFoundError: The object does not exist.
        ConfigurationError: It is too large, is not YAML, is not valid for the model (every problem
            is listed with its line, none with its value), or has no version.
        AwsError: S3 refused, or cannot be reached.
    """
    uri = str(path)
    reader = store or S3Store()
    if known is not None and known.uri == uri:
        changed = reader.fetch_if_changed(uri, known.etag, max_bytes=_MAX_BYTES)
        source = known if changed is None else changed
    else:
        source = reader.fetch(uri, max_bytes=_MAX_BYTES)
    if require_version:
        _check_version(source.version_id, uri)
    if isinstance(source, S3Config):
        return source
    return S3Config(
        model=_validate(model, _read_document(source.data, uri), uri),
        uri=uri,
        version_id=source.version_id,
        etag=source.etag,
        sha256=hashlib.sha256(source.data).hexdigest(),
        loaded_at=(clock or SystemClock()).now(),
    )


@final
class S3Layer:
    """YAML file in S3 as a configuration layer that records the version behind every value.

    >>> S3Layer("s3://lake/trend.yaml").name
    's3://lake/trend.yaml'
    """

    def __init__(
        self, path: str | S3Path, *, require_version: bool = False, store: S3Store | None = None
    ) -> None:
        """Read `path` from `store`, by default S3 with the settings of the environment at loading.

        With `require_version` an object without a version is refused.
        """
        self.name = str(path)
        self._require_version = require_version
        self._store = store

    def load(self) -> LayerData:
        """Read the object.

        Raises:
            NotFoundError: The object does not exist.
            ConfigurationError: It is too large, is not YAML, or has no version.
            AwsError: S3 refused, or cannot be reached.
        """
        read = (self._store or S3Store()).fetch(self.name, max_bytes=_MAX_BYTES)
        if self._require_version:
            _check_version(read.version_id, self.name)
        source = f"{self.name}@{read.version_id}" if read.version_id else self.name
        document = read_yaml_fields(read.data, source=source)
        origins = {
            ".".join(map(str, path)): Origin(source=source, line=line, column=column)
            for path, (line, column) in document.marks.items()
        }
        return LayerData(values=document.values, origins=origins)


def _check_version(version_id: str | None, uri: str) -> None:
    if version_id is None:
        message = f"{uri} has no version; turn on versioning for its bucket, then write it again"
        raise ConfigurationError(message, source=uri)


def _read_document(data: bytes, uri: str) -> YamlDocument:
    # Refuses NaN and infinity, which a model accepts unless each of its fields forbids them.
    read_yaml(data, source=uri)
    return read_yaml_fields(data, source=uri)


def _validate(model: type[M], document: YamlDocument, uri: str) -> M:
    valid: M | None = None
    problems: list[str] = []
    try:
        valid = model.model_validate(document.values)
    except pydantic.ValidationError as exc:
        problems = [_problem(error, document, uri) for error in exc.errors(include_url=False)]
    # Outside of the except block: pydantic's error contains the values.
    if valid is None:
        raise ConfigurationError("\n".join(problems), source=uri)
    return valid


def _problem(error: ErrorDetails, document: YamlDocument, uri: str) -> str:
    path = error["loc"]
    while path and path not in document.marks:
        path = path[:-1]
    line, _ = document.marks.get(path, (1, 1))
    key = ".".join(map(str, error["loc"])) or "the whole"
    return f"{uri}:{line}: {key}: {error_sentence(error)}"

"""Object store on Amazon S3."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar, final

from tradai.aws._client.client import client_for
from tradai.aws._client.errors import error_from_code, translated
from tradai.aws._client.listing_rows import to_utc
from tradai.aws._client.settings import AwsSettings
from tradai.aws._s3.listing import list_objects
from tradai.aws._s3.local_files import download_file, file_content, target_file
from tradai.aws._s3.reader import ObjectReader, object_path
from tradai.aws._s3.writer import BytesContent, ObjectWriter, write_condition
from tradai.core import ObjectInfo, S3Path, StoredObject
from tradai.core.exceptions import ConfigurationError, ConflictError, TradAIError

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client
    from types_boto3_s3.type_defs import GetObjectOutputTypeDef

T = TypeVar("T")

_MAX_DELETED: Final = 1_000
# Attempts for an object that others overwrite again and again.
_MAX_ATTEMPTS: Final = 5
# Characters that no XML document can contain, escaped or not.
_NOT_IN_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class S3Object:
    """Content of an object, with its tag and version.

    Attributes:
        data: Bytes of the object.
        etag: S3's tag of exactly these bytes under this key.
        version_id: S3's id of the version; None in a bucket that keeps no versions.
        modified: Instant of writing, in UTC.
    """

    data: bytes
    etag: str
    version_id: str | None
    modified: datetime


@final
class S3Store:
    """Object store on S3, under ``s3://bucket/key``; an `ObjectStore` and more.

    Keys are kept as they are: nothing is decoded or normalised. A read returns bytes of one
    version, also when the object is written meanwhile, and verifies its checksum, if S3 has one
    that can be computed (CRC-32, SHA-1, SHA-256); S3 verifies writes. A read is resumed when the
    connection is cut. Every method also raises the errors of `client_for`, and `AwsError`.
    """

    def __init__(
        self, settings: AwsSettings | None = None, *, client: "S3Client | None" = None
    ) -> None:
        """Use `client`, or else the one for `settings`, by default those of the environment now.

        A `client` that is given is not replaced in a forked process.
        """
        self._settings = settings or AwsSettings()
        self._given = client

    @classmethod
    def for_uri(cls, uri: str) -> "S3Store":
        """Return the store that serves `uri`; it serves every other ``s3:`` URI too."""
        S3Path.parse(uri)
        return cls()

    def read(self, uri: str) -> StoredObject:
        """Return the object at `uri`."""
        read = self.fetch(uri)
        return StoredObject(data=read.data, etag=read.etag)

    def fetch(
        self, uri: str, *, version_id: str | None = None, max_bytes: int | None = None
    ) -> S3Object:
        """Return the object at `uri` with its version.

        Args:
            uri: URI of the object.
            version_id: Version to read; by default the current one.
            max_bytes: Refuse a larger object before reading it.

        Raises:
            NotFoundError: The object or version does not exist.
            ConfigurationError: It is larger than `max_bytes`.
        """

        def read() -> S3Object:
            reader = self._reader(uri, version_id)
            return _read(reader, reader.get(), uri, max_bytes)

        return _undisturbed(read)

    def fetch_if_changed(
        self, uri: str, etag: str, *, max_bytes: int | None = None
    ) -> S3Object | None:
        """Return the object at `uri`, or None without reading it while its tag is `etag`.

        Raises:
            NotFoundError: The object does not exist.
            ConfigurationError: It is larger than `max_bytes`.
        """

        def read() -> S3Object | None:
            reader = self._reader(uri)
            response = reader.get_if_changed(etag)
            return None if response is None else _read(reader, response, uri, max_bytes)

        return _undisturbed(read)

    def stream(
        self, uri: str, *, start: int = 0, stop: int | None = None, version_id: str | None = None
    ) -> Iterator[bytes]:
        """Yield the bytes of the object at `uri` in order; about 64 MiB are in memory at once.

        Args:
            uri: URI of the object.
            start: First byte to yield, from 0.
            stop: Byte to stop before; by default, and at most, the end.
            version_id: Version to read; by default the current one.

        Raises:
            NotFoundError: The object or version does not exist.
            ConflictError: It was overwritten meanwhile, in a bucket that keeps no versions.
            ValidationError: `start` is negative, or lies behind `stop` or the end.
            AwsError: ``ChecksumMismatch`` at the very end, if the bytes are not those written.
        """
        return self._reader(uri, version_id).stream(start=start, stop=stop)

    def download(self, uri: str, path: Path, *, version_id: str | None = None) -> Path:
        """Write the object at `uri` to a file, which appears whole or not at all; return its path.

        A file that is there already keeps its permissions. A process that is killed may leave a
        ``.tradai-*.tmp`` file beside it, safe to remove.

        Args:
            uri: The object.
            path: The file, or an existing folder: the file is then named like the key's last part.
            version_id: The version to read; by default the one that is current.

        Raises:
            NotFoundError: The object or version does not exist.
            ValidationError: `path` is a folder, and the key does not end in the name of a file.
            StorageError: The disk refused; `ConflictError` when the object was overwritten.
        """
        file = target_file(object_path(uri), path)
        with download_file(file) as target:
            self._reader(uri, version_id).save(target.fileno())
        return file

    def write(
        self, uri: str, data: bytes, *, if_match: str | None = None, if_absent: bool = False
    ) -> str:
        """Replace the object at `uri` and return its new tag."""
        condition = write_condition(if_match, if_absent=if_absent)
        return self._writer(uri).put(BytesContent(data), condition)

    def upload(
        self, path: Path, uri: str, *, if_match: str | None = None, if_absent: bool = False
    ) -> str:
        """Write the file at `path` to `uri` as `write` does; about 64 MiB are in memory.

        Raises:
            ConflictError: The condition does not hold.
            StorageError: The file cannot be read, or was written meanwhile.
            ValidationError: Both conditions are given.
        """
        condition = write_condition(if_match, if_absent=if_absent)
        with file_content(path) as content:
            return self._writer(uri).put(content, condition)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Yield the objects whose URI starts with `prefix`, sorted; asks for 1,000 at a time."""
        path = S3Path.parse(prefix)
        return list_objects(self._client, path)

    def delete(self, uri: str) -> None:
        """Delete the object at `uri`; it may be missing."""
        path = object_path(uri)
        with translated("s3", "delete_object", uri):
            self._client.delete_object(Bucket=path.bucket, Key=path.key)

    def delete_many(self, uris: Iterable[str]) -> dict[str, TradAIError]:
        """Delete the objects at `uris`, 1,000 in a request; return the errors by URI.

        A key with a control character has a request of its own, as XML cannot hold it.

        Raises:
            ValidationError: A URI is not usable; nothing was deleted.
        """
        paths = sorted({object_path(uri) for uri in uris})
        failed: dict[str, TradAIError] = {}
        alone = [path for path in paths if _NOT_IN_XML.search(path.key)]
        together = [path for path in paths if not _NOT_IN_XML.search(path.key)]
        for bucket, group in groupby(together, key=lambda path: path.bucket):
            keys = [path.key for path in group]
            for first in range(0, len(keys), _MAX_DELETED):
                failed |= self._delete_batch(bucket, keys[first : first + _MAX_DELETED])
        for uri in map(str, alone):
            try:
                self.delete(uri)
            except TradAIError as exc:
                failed[uri] = exc
        return failed

    def stat(self, uri: str) -> ObjectInfo:
        """Describe the object at `uri`."""
        facts = self._reader(uri).head()
        return ObjectInfo(
            uri=uri,
            size=facts["ContentLength"],
            modified=to_utc(facts["LastModified"]),
            etag=facts["ETag"],
        )

    def copy(self, source: str, target: str) -> str:
        """Copy the object at `source` to `target` inside S3, and return the new tag.

        When `source` is overwritten meanwhile, the new object is copied.

        Raises:
            ConflictError: `source` is overwritten again and again.
        """
        reader, writer = self._reader(source), self._writer(target)
        head = reader.head()
        for _ in range(_MAX_ATTEMPTS - 1):
            try:
                return writer.copy(object_path(source), head)
            except TradAIError as exc:
                newer = head if exc.retryable else reader.head()
                if newer["ETag"] == head["ETag"]:
                    raise
                head = newer
        return writer.copy(object_path(source), head)

    @property
    def _client(self) -> "S3Client":
        return self._given or client_for("s3", self._settings)

    def _reader(self, uri: str, version_id: str | None = None) -> ObjectReader:
        path = object_path(uri)
        return ObjectReader(self._client, path, version_id)

    def _writer(self, uri: str) -> ObjectWriter:
        path = object_path(uri)
        return ObjectWriter(self._client, path)

    def _delete_batch(self, bucket: str, keys: Sequence[str]) -> dict[str, TradAIError]:
        with translated("s3", "delete_objects", f"s3://{bucket}/"):
            response = self._client.delete_objects(
                Bucket=bucket, Delete={"Objects": [{"Key": key} for key in keys], "Quiet": True}
            )
        failed = {}
        for error in response.get("Errors", ()):
            uri = str(S3Path(bucket, error["Key"]))
            failed[uri] = error_from_code(error["Code"], ("s3", "delete_objects", uri))
        return failed


def _undisturbed(read: Callable[[], T]) -> T:
    """Read; once more when the object was overwritten before a read that was cut could go on."""
    for _ in range(_MAX_ATTEMPTS - 1):
        with suppress(ConflictError):
            return read()
    return read()


def _read(
    reader: ObjectReader, response: "GetObjectOutputTypeDef", uri: str, max_bytes: int | None
) -> S3Object:
    size = response["ContentLength"]
    if max_bytes is not None and size > max_bytes:
        response["Body"].close()
        message = f"{uri} has {size} bytes: expected at most {max_bytes}; is it the right object?"
        raise ConfigurationError(message, source=uri)
    return S3Object(
        data=b"".join(reader.body(response)),
        etag=response["ETag"],
        version_id=_version(response.get("VersionId")),
        modified=to_utc(response["LastModified"]),
    )


def _version(version_id: str | None) -> str | None:
    """Return None for an object written while its bucket kept no versions: it is not kept."""
    return None if version_id == "null" else version_id

"""Writing an S3 object: whole or not at all, on conditions, verified by S3."""

import random
import secrets
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias, TypedDict, final

from tradai.aws._client.errors import error_code, translated
from tradai.aws._s3.checksums import crc32_text
from tradai.core import S3Path
from tradai.core.exceptions import ConflictError, ValidationError

if TYPE_CHECKING:
    from botocore.exceptions import ClientError
    from types_boto3_s3 import S3Client
    from types_boto3_s3.type_defs import (
        CompletedPartTypeDef,
        CopySourceTypeDef,
        HeadObjectOutputTypeDef,
    )

__all__ = ["BytesContent", "Content", "ObjectWriter", "condition"]

_MIB: Final = 1024 * 1024
_PART: Final = 16 * _MIB
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
_MOST_PARTS: Final = 10_000
_LARGEST_COPY: Final = 5 * 1024**3
_COPY_PART: Final = 512 * _MIB
_WRITERS: Final = 3
_TRIES: Final = 6
_FIRST_PAUSE_S: Final = 0.02
_TOKEN: Final = "tradai-write"  # noqa: S105 - a name, not a secret

Plan: TypeAlias = list[tuple[int, int, int]]
Parts: TypeAlias = "list[CompletedPartTypeDef]"
SendPart: TypeAlias = Callable[[str, int, int, int], "CompletedPartTypeDef"]


class Name(TypedDict):
    """Which object."""

    Bucket: str
    Key: str


class Condition(TypedDict, total=False):
    """What must hold for a write to happen."""

    IfMatch: str
    IfNoneMatch: str


class Content(Protocol):
    """What is to be written, readable from several threads at once."""

    @property
    def size(self) -> int:
        """Number of bytes."""
        ...

    def read(self, start: int, length: int) -> bytes:
        """Return `length` bytes from `start` on, fewer at the end."""
        ...


@final
class BytesContent:
    """Content in memory."""

    def __init__(self, data: bytes) -> None:
        """Hold `data`."""
        self._data = data
        self.size = len(data)

    def read(self, start: int, length: int) -> bytes:
        """Return the bytes, without a copy when that is all of them."""
        return self._data if length >= self.size else self._data[start : start + length]


def condition(if_match: str | None, *, if_absent: bool) -> Condition:
    """Return the parameters of a conditional write.

    Raises:
        ValidationError: Both conditions are given.
    """
    if if_match is not None and if_absent:
        expected = "if_match or if_absent, not both"
        message = f"a write has two conditions: expected {expected}"
        raise ValidationError(message, expected=expected)
    if if_absent:
        return {"IfNoneMatch": "*"}
    return {} if if_match is None else {"IfMatch": if_match}


@final
class ObjectWriter:
    """Writes one object."""

    def __init__(self, client: "S3Client", path: S3Path) -> None:
        """Write to `path`."""
        self._client = client
        self._subject = str(path)
        self._name: Name = {"Bucket": path.bucket, "Key": path.key}
        # Tells our own write from another's, when its answer was lost.
        self._token = secrets.token_hex(16)

    def put(self, content: Content, condition: Condition) -> str:
        """Write `content` and return its new tag."""
        if content.size <= _PART:
            data = content.read(0, content.size)
            return self._settled("put_object", lambda: self._put(data, condition), condition)

        def send(upload_id: str, number: int, start: int, length: int) -> "CompletedPartTypeDef":
            return self._send(upload_id, number, content.read(start, length))

        plan = _plan(content.size, _PART)
        return self._settled(
            "upload_part", lambda: self._in_parts(plan, send, condition), condition
        )

    def copy(self, source: S3Path, facts: "HeadObjectOutputTypeDef") -> str:
        """Write the object at `source`, described by `facts`, and return its tag here."""
        origin: CopySourceTypeDef = {"Bucket": source.bucket, "Key": source.key}
        if "VersionId" in facts:
            origin["VersionId"] = facts["VersionId"]
        etag = facts["ETag"]
        if facts["ContentLength"] <= _LARGEST_COPY:
            with translated("s3", "copy_object", self._subject):
                done = self._client.copy_object(
                    **self._name, CopySource=origin, CopySourceIfMatch=etag
                )
            return done["CopyObjectResult"]["ETag"]

        def send(upload_id: str, number: int, start: int, length: int) -> "CompletedPartTypeDef":
            answer = self._client.upload_part_copy(
                **self._name,
                UploadId=upload_id,
                PartNumber=number,
                CopySource=origin,
                CopySourceIfMatch=etag,
                CopySourceRange=f"bytes={start}-{start + length - 1}",
            )
            part = answer["CopyPartResult"]
            return _part(number, part["ETag"], part.get("ChecksumCRC32"))

        plan = _plan(facts["ContentLength"], _COPY_PART)
        return self._settled("upload_part_copy", lambda: self._in_parts(plan, send, {}), {})

    def _put(self, data: bytes, condition: Condition) -> str:
        done = self._client.put_object(
            **self._name,
            **condition,
            Body=data,
            ChecksumCRC32=crc32_text(data),
            Metadata={_TOKEN: self._token},
        )
        return done["ETag"]

    def _send(self, upload_id: str, number: int, data: bytes) -> "CompletedPartTypeDef":
        checksum = crc32_text(data)
        done = self._client.upload_part(
            **self._name,
            UploadId=upload_id,
            PartNumber=number,
            Body=data,
            ChecksumCRC32=checksum,
        )
        return _part(number, done["ETag"], checksum)

    def _in_parts(self, plan: Plan, send: SendPart, condition: Condition) -> str:
        upload_id = self._client.create_multipart_upload(
            **self._name, ChecksumAlgorithm="CRC32", Metadata={_TOKEN: self._token}
        )["UploadId"]
        try:
            parts = _sent(plan, lambda *part: send(upload_id, *part))
            done = self._client.complete_multipart_upload(
                **self._name, **condition, UploadId=upload_id, MultipartUpload={"Parts": parts}
            )
        except BaseException:
            self._abort(upload_id)
            raise
        return done["ETag"]

    def _abort(self, upload_id: str) -> None:
        """Have S3 forget the parts; what led here is the error that counts."""
        from botocore.exceptions import BotoCoreError, ClientError

        with suppress(BotoCoreError, ClientError):
            self._client.abort_multipart_upload(**self._name, UploadId=upload_id)

    def _settled(self, operation: str, write: Callable[[], str], condition: Condition) -> str:
        """Write, and again while S3 settles another conditional write; botocore does not."""
        from botocore.exceptions import BotoCoreError, ClientError

        for pause_s in _pauses():
            with translated("s3", operation, self._subject):
                try:
                    return write()
                except (BotoCoreError, ClientError) as exc:
                    etag = self._etag_if_written(exc)
                    if etag is not None:
                        return etag
                    self._refuse_creation(exc, condition)
                    if pause_s is None or error_code(exc) != "ConditionalRequestConflict":
                        raise
            time.sleep(pause_s)
        raise AssertionError  # the last turn returns or raises

    def _etag_if_written(self, error: Exception) -> str | None:
        """Return the tag of our own write, if it was made but its answer was lost."""
        from botocore.exceptions import BotoCoreError, ClientError

        if isinstance(error, ClientError) and not _was_repeated(error):
            return None
        with suppress(BotoCoreError, ClientError):
            found = self._client.head_object(**self._name)
            if found["Metadata"].get(_TOKEN) == self._token:
                return found["ETag"]
        return None

    def _refuse_creation(self, error: Exception, condition: Condition) -> None:
        if "IfMatch" in condition and error_code(error) in {"404", "NoSuchKey"}:
            message = f"cannot write {self._subject}: it is gone; read again, then decide"
            raise ConflictError(message, service="s3", operation="put_object") from error


def _plan(size: int, usual_part: int) -> Plan:
    """Return number, start and length of each part; 10,000 at most."""
    part = max(usual_part, -(-size // _MOST_PARTS // _MIB) * _MIB)
    return [
        (number, start, min(part, size - start))
        for number, start in enumerate(range(0, size, part), start=1)
    ]


def _sent(plan: Plan, send: Callable[[int, int, int], "CompletedPartTypeDef"]) -> "Parts":
    """Send all parts, several at once; after a failure those not begun are left out."""
    with ThreadPoolExecutor(_WRITERS) as pool:
        sending = [pool.submit(send, *part) for part in plan]
        try:
            return [one.result() for one in sending]
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _part(number: int, etag: str, checksum: str | None) -> "CompletedPartTypeDef":
    part: CompletedPartTypeDef = {"PartNumber": number, "ETag": etag}
    if checksum is not None:
        part["ChecksumCRC32"] = checksum
    return part


def _pauses() -> Iterator[float | None]:
    """Yield how long to wait after each try in seconds, None after the last."""
    for doublings in range(_TRIES - 1):
        # Spread out so that those who collided do not collide again; nothing secret about it.
        yield random.uniform(0.5, 1) * _FIRST_PAUSE_S * 2**doublings  # noqa: S311
    yield None


def _was_repeated(error: "ClientError") -> bool:
    return error.response.get("ResponseMetadata", {}).get("RetryAttempts", 0) > 0

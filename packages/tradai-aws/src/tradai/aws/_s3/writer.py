"""Write one S3 object whole or not at all: conditional, in parts, retried on conflicts."""

import secrets
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias, TypedDict, final

from tradai.aws._client.errors import error_code, translated
from tradai.aws._client.random_pauses import RandomPauses
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

_MIB: Final = 1024 * 1024
_UPLOAD_PART: Final = 16 * _MIB
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
_MAX_PARTS: Final = 10_000
_MAX_SINGLE_COPY: Final = 5 * 1024**3
_COPY_PART: Final = 512 * _MIB
_UPLOAD_THREADS: Final = 3
_MAX_ATTEMPTS: Final = 6
_FIRST_PAUSE_S: Final = 0.01
_LONGEST_PAUSE_S: Final = 0.32
# S3 settles another conditional write; or an upload in parts is gone, because it was aborted, or
# because the answer to its completion was lost and another writer has overwritten it.
_AGAIN: Final = frozenset({"ConditionalRequestConflict", "NoSuchUpload"})
_TOKEN_KEY: Final = "tradai-write"  # noqa: S105 - a name, not a secret

# Number, start and length of each part.
Plan: TypeAlias = list[tuple[int, int, int]]
Parts: TypeAlias = "list[CompletedPartTypeDef]"
SendPart: TypeAlias = Callable[[str, int, int, int], "CompletedPartTypeDef"]


class Name(TypedDict):
    """Parameters that name an object."""

    Bucket: str
    Key: str


class Condition(TypedDict, total=False):
    """Parameters that make a write conditional."""

    IfMatch: str
    IfNoneMatch: str


class Content(Protocol):
    """Bytes to write, readable from several threads at once."""

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
        """Return `length` bytes from `start` on, without a copy when that is all of them."""
        return self._data if length >= self.size else self._data[start : start + length]


def write_condition(if_match: str | None, *, if_absent: bool) -> Condition:
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
    """Write one object."""

    def __init__(self, client: "S3Client", path: S3Path) -> None:
        """Write to `path`."""
        self._client = client
        self._subject = str(path)
        self._name: Name = {"Bucket": path.bucket, "Key": path.key}
        # Identifies our own write when the response to it was lost.
        self._token = secrets.token_hex(16)

    def put(self, content: Content, condition: Condition) -> str:
        """Write `content` and return its new tag."""
        if content.size <= _UPLOAD_PART:
            data = content.read(0, content.size)
            return self._retry_conflicts(
                "put_object", lambda: self._put(data, condition), condition
            )

        def send(upload_id: str, number: int, start: int, length: int) -> "CompletedPartTypeDef":
            return self._upload_part(upload_id, number, content.read(start, length))

        plan = _plan_parts(content.size, _UPLOAD_PART)
        return self._retry_conflicts(
            "upload_part", lambda: self._write_parts(plan, send, condition), condition
        )

    def copy(self, source: S3Path, head: "HeadObjectOutputTypeDef") -> str:
        """Copy the object at `source`, of which `head` is the description; return the new tag."""
        origin: CopySourceTypeDef = {"Bucket": source.bucket, "Key": source.key}
        if "VersionId" in head:
            origin["VersionId"] = head["VersionId"]
        etag = head["ETag"]
        if head["ContentLength"] <= _MAX_SINGLE_COPY:
            with translated("s3", "copy_object", self._subject):
                copied = self._client.copy_object(
                    **self._name, CopySource=origin, CopySourceIfMatch=etag
                )
            return copied["CopyObjectResult"]["ETag"]

        def send(upload_id: str, number: int, start: int, length: int) -> "CompletedPartTypeDef":
            response = self._client.upload_part_copy(
                **self._name,
                UploadId=upload_id,
                PartNumber=number,
                CopySource=origin,
                CopySourceIfMatch=etag,
                CopySourceRange=f"bytes={start}-{start + length - 1}",
            )
            part = response["CopyPartResult"]
            return _completed_part(number, part["ETag"], part.get("ChecksumCRC32"))

        plan = _plan_parts(head["ContentLength"], _COPY_PART)
        return self._retry_conflicts(
            "upload_part_copy", lambda: self._write_parts(plan, send, {}), {}
        )

    def _put(self, data: bytes, condition: Condition) -> str:
        response = self._client.put_object(
            **self._name,
            **condition,
            Body=data,
            ChecksumCRC32=crc32_text(data),
            Metadata={_TOKEN_KEY: self._token},
        )
        return response["ETag"]

    def _upload_part(self, upload_id: str, number: int, data: bytes) -> "CompletedPartTypeDef":
        checksum = crc32_text(data)
        response = self._client.upload_part(
            **self._name,
            UploadId=upload_id,
            PartNumber=number,
            Body=data,
            ChecksumCRC32=checksum,
        )
        return _completed_part(number, response["ETag"], checksum)

    def _write_parts(self, plan: Plan, send: SendPart, condition: Condition) -> str:
        upload_id = self._client.create_multipart_upload(
            **self._name, ChecksumAlgorithm="CRC32", Metadata={_TOKEN_KEY: self._token}
        )["UploadId"]
        try:
            parts = _send_parts(plan, lambda *part: send(upload_id, *part))
            response = self._client.complete_multipart_upload(
                **self._name, **condition, UploadId=upload_id, MultipartUpload={"Parts": parts}
            )
        except BaseException:
            self._abort(upload_id)
            raise
        return response["ETag"]

    def _abort(self, upload_id: str) -> None:
        """Delete the uploaded parts; an error of this is dropped in favour of the first one."""
        from botocore.exceptions import BotoCoreError, ClientError

        with suppress(BotoCoreError, ClientError):
            self._client.abort_multipart_upload(**self._name, UploadId=upload_id)

    def _retry_conflicts(
        self, operation: str, write: Callable[[], str], condition: Condition
    ) -> str:
        """Write, and write all of it again after one of the errors that botocore does not retry."""
        from botocore.exceptions import BotoCoreError, ClientError

        pauses = RandomPauses(first_s=_FIRST_PAUSE_S, longest_s=_LONGEST_PAUSE_S)
        for attempt in range(_MAX_ATTEMPTS):
            with translated("s3", operation, self._subject):
                try:
                    return write()
                except (BotoCoreError, ClientError) as exc:
                    etag = self._etag_if_written(exc)
                    if etag is not None:
                        return etag
                    self._raise_if_deleted(exc, condition)
                    is_last = attempt == _MAX_ATTEMPTS - 1
                    if is_last or error_code(exc) not in _AGAIN:
                        raise
            time.sleep(pauses.next_s())
        raise AssertionError  # the last attempt returns or raises

    def _etag_if_written(self, error: Exception) -> str | None:
        """Return the tag of our own write, if it succeeded but the response to it was lost."""
        from botocore.exceptions import BotoCoreError, ClientError

        if isinstance(error, ClientError) and not _was_repeated(error):
            return None
        with suppress(BotoCoreError, ClientError):
            head = self._client.head_object(**self._name)
            if head["Metadata"].get(_TOKEN_KEY) == self._token:
                return head["ETag"]
        return None

    def _raise_if_deleted(self, error: Exception, condition: Condition) -> None:
        if "IfMatch" in condition and error_code(error) in {"404", "NoSuchKey"}:
            message = f"cannot write {self._subject}: it was deleted; read again, then decide"
            raise ConflictError(message, service="s3", operation="put_object") from error


def _plan_parts(size: int, usual_part: int) -> Plan:
    """Split `size` bytes into parts; 10,000 at most."""
    part = max(usual_part, -(-size // _MAX_PARTS // _MIB) * _MIB)
    return [
        (number, start, min(part, size - start))
        for number, start in enumerate(range(0, size, part), start=1)
    ]


def _send_parts(plan: Plan, send: Callable[[int, int, int], "CompletedPartTypeDef"]) -> "Parts":
    """Send all parts, several at once; after a failure no further part is begun."""
    with ThreadPoolExecutor(_UPLOAD_THREADS) as pool:
        sending = [pool.submit(send, *part) for part in plan]
        try:
            return [part.result() for part in sending]
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _completed_part(number: int, etag: str, checksum: str | None) -> "CompletedPartTypeDef":
    part: CompletedPartTypeDef = {"PartNumber": number, "ETag": etag}
    if checksum is not None:
        part["ChecksumCRC32"] = checksum
    return part


def _was_repeated(error: "ClientError") -> bool:
    return error.response.get("ResponseMetadata", {}).get("RetryAttempts", 0) > 0

"""Read one S3 object: pinned to a version, resumed when the connection is cut, verified."""

import os
from collections import deque
from collections.abc import Generator, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final, NotRequired, TypedDict, final

from tradai.aws._client.errors import AwsError, error_code, translated
from tradai.aws._s3.checksums import Checksum, Segment, checksum_of
from tradai.core import S3Path
from tradai.core.exceptions import ConflictError, ValidationError

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client
    from types_boto3_s3.type_defs import GetObjectOutputTypeDef, HeadObjectOutputTypeDef

_MIB: Final = 1024 * 1024
_STREAM_PIECE: Final = 12 * _MIB
_CHUNK: Final = _MIB
# As many pieces are in memory at once, and one more that the caller reads.
_STREAM_THREADS: Final = 3
# These write each chunk to the file, and keep nothing in memory.
_SAVE_THREADS: Final = 4
_SAVE_PIECE: Final = 64 * _MIB
_MAX_RESUMES: Final = 5
_UNCHANGED: Final = frozenset({"304", "NotModified"})


def object_path(uri: str) -> S3Path:
    """Return the path of one object.

    Raises:
        ValidationError: `uri` is not an S3 URI, or names a whole bucket.
    """
    path = S3Path.parse(uri)
    if not path.key:
        expected = "s3://bucket/key"
        message = f"{uri} names a bucket, not an object: expected {expected}"
        raise ValidationError(message, field="uri", expected=expected)
    return path


class Name(TypedDict):
    """Parameters that name an object and its version."""

    Bucket: str
    Key: str
    VersionId: NotRequired[str]


@final
class ObjectReader:
    """Read one object; every byte of one read belongs to the same version."""

    def __init__(self, client: "S3Client", path: S3Path, version_id: str | None = None) -> None:
        """Read `version_id`, or the version that is current at the first request."""
        self._client = client
        self._subject = str(path)
        self._name: Name = {"Bucket": path.bucket, "Key": path.key}
        if version_id is not None:
            self._name["VersionId"] = version_id

    def head(self, **more: Any) -> "HeadObjectOutputTypeDef":  # noqa: ANN401 - boto3's parameters
        """Describe the object."""
        with translated("s3", "head_object", self._subject):
            return self._client.head_object(**self._name, ChecksumMode="ENABLED", **more)

    def get(self, **more: Any) -> "GetObjectOutputTypeDef":  # noqa: ANN401 - boto3's parameters
        """Request the object, or a range of it."""
        with translated("s3", "get_object", self._subject):
            return self._client.get_object(**self._name, ChecksumMode="ENABLED", **more)

    def get_if_changed(self, etag: str) -> "GetObjectOutputTypeDef | None":
        """Request the object, unless its tag is `etag`."""
        from botocore.exceptions import ClientError

        with translated("s3", "get_object", self._subject):
            try:
                return self._client.get_object(
                    **self._name, ChecksumMode="ENABLED", IfNoneMatch=etag
                )
            except ClientError as exc:
                if error_code(exc) in _UNCHANGED:
                    return None
                raise

    def stream(self, *, start: int = 0, stop: int | None = None) -> Generator[bytes]:
        """Yield the bytes from `start` to `stop`; several pieces are requested at once."""
        facts = self.head()
        size = facts["ContentLength"]
        end = size if stop is None else min(stop, size)
        _check_range(start, end, size)
        self._pin(facts)
        if (start, end) == (0, size):
            yield from self._verify(self._read_whole(size, facts["ETag"]), self._checksum(facts))
        else:
            yield from self._read_pieces(start, end, facts["ETag"])

    def save(self, descriptor: int) -> None:
        """Write the whole object to an open file; several pieces are requested at once."""
        facts = self.head()
        self._pin(facts)
        size, etag = facts["ContentLength"], facts["ETag"]
        checksum = self._checksum(facts)

        def save_piece(start: int, stop: int) -> list[Segment]:
            running, position = checksum.start(), start
            is_whole = (start, stop) == (0, size)
            response = self.get(IfMatch=etag) if is_whole else self._get_range(start, stop, etag)
            for chunk in self._read_body(response, start=start):
                running.update(chunk)
                position = _write(descriptor, chunk, position)
            return running.segments()

        length = checksum.piece_size(_SAVE_PIECE, size)
        starts = range(0, max(size, 1), length)
        with ThreadPoolExecutor(_SAVE_THREADS) as pool:
            pieces = [pool.submit(save_piece, first, min(first + length, size)) for first in starts]
            try:
                segments = [segment for piece in pieces for segment in piece.result()]
            finally:
                pool.shutdown(cancel_futures=True)
        self._check(checksum, segments)

    def body(self, response: "GetObjectOutputTypeDef") -> Iterator[bytes]:
        """Yield the bytes of the whole object that `response` begins with."""
        self._pin(response)
        yield from self._verify(self._read_body(response, start=0), self._checksum(response))

    def _pin(self, response: Mapping[str, Any]) -> None:
        """Request the same version from now on, even if the object is written meanwhile."""
        if response.get("VersionId") is not None:
            self._name["VersionId"] = response["VersionId"]

    def _checksum(self, response: Mapping[str, Any]) -> Checksum:
        def part_size() -> int:
            part = self.head(PartNumber=1)
            return part["ContentLength"] if part["ETag"] == response["ETag"] else 0

        return checksum_of(response, part_size=part_size)

    def _verify(self, chunks: Iterator[bytes], checksum: Checksum) -> Iterator[bytes]:
        running = checksum.start()
        for chunk in chunks:
            running.update(chunk)
            yield chunk
        self._check(checksum, running.segments())

    def _check(self, checksum: Checksum, segments: list[Segment]) -> None:
        if not checksum.matches(segments):
            problem = "its bytes do not match its checksum; read it again"
            raise self._error("ChecksumMismatch", problem)

    def _read_whole(self, size: int, etag: str) -> Iterator[bytes]:
        if size > _STREAM_PIECE:
            return self._read_pieces(0, size, etag)
        return self._read_body(self.get(IfMatch=etag), start=0)

    def _read_pieces(self, start: int, stop: int, etag: str) -> Iterator[bytes]:
        """Yield the bytes in order, while the next pieces are being read."""
        with ThreadPoolExecutor(_STREAM_THREADS) as pool:
            pending: deque[Future[list[bytes]]] = deque()
            try:
                for first in range(start, stop, _STREAM_PIECE):
                    last = min(first + _STREAM_PIECE, stop)
                    pending.append(pool.submit(self._read_piece, first, last, etag))
                    if len(pending) > _STREAM_THREADS:
                        yield from pending.popleft().result()
                while pending:
                    yield from pending.popleft().result()
            finally:
                pool.shutdown(cancel_futures=True)

    def _read_piece(self, start: int, stop: int, etag: str) -> list[bytes]:
        return list(self._read_body(self._get_range(start, stop, etag), start=start))

    def _get_range(self, start: int, stop: int, etag: str) -> "GetObjectOutputTypeDef":
        try:
            response = self.get(Range=f"bytes={start}-{stop - 1}", IfMatch=etag)
        except AwsError as exc:
            # The range is inside the object of the first request: this is another object.
            if exc.reason != "InvalidRange":
                raise
            message = f"{self._subject} was overwritten while it was read; read it again"
            raise ConflictError(message, service="s3", operation="get_object") from exc
        # A server without support for ranges sends everything, from the beginning.
        if not response.get("ContentRange", "").startswith(f"bytes {start}-{stop - 1}/"):
            response["Body"].close()
            raise self._error("WrongRange", "the response has other bytes than requested")
        return response

    def _read_body(self, response: "GetObjectOutputTypeDef", *, start: int) -> Iterator[bytes]:
        """Yield a body; request the rest of it whenever the connection is cut.

        botocore repeats a request only until the response begins.
        """
        position, stop, etag = start, start + response["ContentLength"], response["ETag"]
        failures = 0
        while True:
            # Closed even if the caller stops: else the connection's next request gets the rest.
            with closing(response["Body"]) as body:
                try:
                    while position < stop:
                        with translated("s3", "get_object", self._subject):
                            chunk = body.read(_CHUNK)
                        failures = 0
                        position += len(chunk)
                        yield chunk
                except AwsError as exc:
                    failures += 1
                    if failures > _MAX_RESUMES or not _is_cut(exc):
                        raise
                else:
                    return
            response = self._get_range(position, stop, etag)

    def _error(self, reason: str, problem: str) -> AwsError:
        message = f"s3 get_object {self._subject} ({reason}): {problem}"
        return AwsError(
            message, service="s3", operation="get_object", reason=reason, retryable=True
        )


def _write(descriptor: int, chunk: bytes, position: int) -> int:
    """Write `chunk` at `position` and return the position after it."""
    view = memoryview(chunk)
    while view:
        written = os.pwrite(descriptor, view, position)
        view, position = view[written:], position + written
    return position


def _is_cut(error: AwsError) -> bool:
    from botocore.exceptions import HTTPClientError, IncompleteReadError

    return isinstance(error.__cause__, HTTPClientError | IncompleteReadError)


def _check_range(start: int, stop: int, size: int) -> None:
    if not 0 <= start <= stop:
        expected = f"0 <= start <= stop, and start within the object's {size} bytes"
        message = f"a range of an object is not usable: expected {expected}"
        raise ValidationError(message, field="start", expected=expected)

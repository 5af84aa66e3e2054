"""One S3 object as it is read: pinned to a version, resumed after a cut, verified at the end."""

import os
from collections import deque
from collections.abc import Generator, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final, NotRequired, TypedDict, final

from tradai.aws._client.errors import AwsError, error_code, translated
from tradai.aws._s3.checksums import Checksum, Stretch, checksum_of
from tradai.core import S3Path
from tradai.core.exceptions import ConflictError, ValidationError

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client
    from types_boto3_s3.type_defs import GetObjectOutputTypeDef, HeadObjectOutputTypeDef

__all__ = ["ObjectReader", "object_path"]

_MIB: Final = 1024 * 1024
_PIECE: Final = 12 * _MIB
_CHUNK: Final = _MIB
# In memory at once: as many pieces, and one more in the reader's hands.
_READERS: Final = 3
# These write what they read, and keep nothing.
_SAVERS: Final = 4
_SAVED: Final = 64 * _MIB
_RESUMES: Final = 5
_UNCHANGED: Final = frozenset({"304", "NotModified"})


def object_path(uri: str) -> S3Path:
    """Return the path of one object.

    Raises:
        ValidationError: `uri` is no S3 URI, or names a whole bucket.
    """
    path = S3Path.parse(uri)
    if not path.key:
        expected = "s3://bucket/key"
        message = f"{uri} names a bucket, not an object: expected {expected}"
        raise ValidationError(message, field="uri", expected=expected)
    return path


class Name(TypedDict):
    """Which object, and which version of it."""

    Bucket: str
    Key: str
    VersionId: NotRequired[str]


@final
class ObjectReader:
    """Reads one object; every byte of one reading belongs to the same version of it."""

    def __init__(self, client: "S3Client", path: S3Path, version_id: str | None = None) -> None:
        """Read `version_id`, or the version that is current when reading begins."""
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
        """Begin to read the object, or a part of it."""
        with translated("s3", "get_object", self._subject):
            return self._client.get_object(**self._name, ChecksumMode="ENABLED", **more)

    def get_if_changed(self, etag: str) -> "GetObjectOutputTypeDef | None":
        """Begin to read the object, unless its tag is `etag`."""
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
        """Yield the bytes from `start` to `stop`, several pieces being under way at once."""
        facts = self.head()
        size = facts["ContentLength"]
        end = size if stop is None else min(stop, size)
        _check_range(start, end, size)
        self._pin(facts)
        if (start, end) == (0, size):
            yield from self._verified(self._whole(size, facts["ETag"]), self._checksum(facts))
        else:
            yield from self._pieces(start, end, facts["ETag"])

    def save(self, descriptor: int) -> None:
        """Write the whole object to an open file, several pieces being under way at once."""
        facts = self.head()
        self._pin(facts)
        size, etag = facts["ContentLength"], facts["ETag"]
        checksum = self._checksum(facts)

        def save_piece(start: int, stop: int) -> list[Stretch]:
            tally, position = checksum.tally(), start
            is_whole = (start, stop) == (0, size)
            answer = self.get(IfMatch=etag) if is_whole else self._from(start, stop, etag)
            for chunk in self._resumed(answer, start=start):
                tally.update(chunk)
                position = _write(descriptor, chunk, position)
            return tally.stretches()

        span = checksum.span(_SAVED, size)
        starts = range(0, max(size, 1), span)
        with ThreadPoolExecutor(_SAVERS) as pool:
            saving = [pool.submit(save_piece, one, min(one + span, size)) for one in starts]
            try:
                stretches = [stretch for piece in saving for stretch in piece.result()]
            finally:
                pool.shutdown(cancel_futures=True)
        self._check(checksum, stretches)

    def body(self, answer: "GetObjectOutputTypeDef") -> Iterator[bytes]:
        """Yield the bytes of the whole object whose reading `answer` has begun."""
        self._pin(answer)
        yield from self._verified(self._resumed(answer, start=0), self._checksum(answer))

    def _pin(self, answer: Mapping[str, Any]) -> None:
        """Ask for the same version from now on, even if the object is written meanwhile."""
        if answer.get("VersionId") is not None:
            self._name["VersionId"] = answer["VersionId"]

    def _checksum(self, answer: Mapping[str, Any]) -> Checksum:
        def part_size() -> int:
            part = self.head(PartNumber=1)
            return part["ContentLength"] if part["ETag"] == answer["ETag"] else 0

        return checksum_of(answer, part_size=part_size)

    def _verified(self, chunks: Iterator[bytes], checksum: Checksum) -> Iterator[bytes]:
        tally = checksum.tally()
        for chunk in chunks:
            tally.update(chunk)
            yield chunk
        self._check(checksum, tally.stretches())

    def _check(self, checksum: Checksum, stretches: list[Stretch]) -> None:
        if not checksum.holds(stretches):
            raise self._error("ChecksumMismatch", "its bytes do not fit its checksum; read again")

    def _whole(self, size: int, etag: str) -> Iterator[bytes]:
        if size > _PIECE:
            return self._pieces(0, size, etag)
        return self._resumed(self.get(IfMatch=etag), start=0)

    def _pieces(self, start: int, stop: int, etag: str) -> Iterator[bytes]:
        """Yield the bytes in order, while the next pieces are on their way."""
        with ThreadPoolExecutor(_READERS) as pool:
            coming: deque[Future[list[bytes]]] = deque()
            try:
                for first in range(start, stop, _PIECE):
                    last = min(first + _PIECE, stop)
                    coming.append(pool.submit(self._piece, first, last, etag))
                    if len(coming) > _READERS:
                        yield from coming.popleft().result()
                while coming:
                    yield from coming.popleft().result()
            finally:
                pool.shutdown(cancel_futures=True)

    def _piece(self, start: int, stop: int, etag: str) -> list[bytes]:
        return list(self._resumed(self._from(start, stop, etag), start=start))

    def _from(self, start: int, stop: int, etag: str) -> "GetObjectOutputTypeDef":
        try:
            answer = self.get(Range=f"bytes={start}-{stop - 1}", IfMatch=etag)
        except AwsError as exc:
            # The range fits the object that reading began with: this is another one.
            if exc.reason != "InvalidRange":
                raise
            message = f"{self._subject} was overwritten while it was read; read it again"
            raise ConflictError(message, service="s3", operation="get_object") from exc
        # A server that does not know ranges sends everything, from the beginning.
        if not answer.get("ContentRange", "").startswith(f"bytes {start}-{stop - 1}/"):
            answer["Body"].close()
            raise self._error("WrongRange", "it answered with other bytes than asked for")
        return answer

    def _resumed(self, answer: "GetObjectOutputTypeDef", *, start: int) -> Iterator[bytes]:
        """Yield a body, asking for the rest of it as often as the line is cut.

        botocore repeats a request until its answer begins, and no longer.
        """
        position, stop, etag = start, start + answer["ContentLength"], answer["ETag"]
        failures = 0
        while True:
            # Closed even if nobody reads on: what is left of it would arrive at the next request.
            with closing(answer["Body"]) as body:
                try:
                    while position < stop:
                        with translated("s3", "get_object", self._subject):
                            chunk = body.read(_CHUNK)
                        failures = 0
                        position += len(chunk)
                        yield chunk
                except AwsError as exc:
                    failures += 1
                    if failures > _RESUMES or not _is_cut(exc):
                        raise
                else:
                    return
            answer = self._from(position, stop, etag)

    def _error(self, reason: str, problem: str) -> AwsError:
        message = f"s3 get_object {self._subject} ({reason}): {problem}"
        return AwsError(
            message, service="s3", operation="get_object", reason=reason, retryable=True
        )


def _write(descriptor: int, chunk: bytes, position: int) -> int:
    """Write `chunk` at `position` and return where it ends."""
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

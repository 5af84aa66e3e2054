"""Streams of the daemon: a build, a push or a pull reports its failure inside a success."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tradai.core import redact
from tradai.core.exceptions import ExternalServiceError


def read_stream(
    events: Iterable[Mapping[str, Any]], operation: str, subject: str
) -> Iterator[Mapping[str, Any]]:
    """Yield the events of a stream, and raise at the first that reports an error.

    The daemon answers 200 before it begins, so an error stands inside the stream.

    Args:
        events: Events of the stream.
        operation: Operation, such as ``push``.
        subject: Name of the image.

    Raises:
        ExternalServiceError: The stream reports an error.
    """
    for event in events:
        detail = event.get("errorDetail") or {}
        error = event.get("error") or detail.get("message")
        if error or detail:
            text = " ".join(redact(str(error or detail)).split())
            message = f"the {operation} of {subject} failed: {text}"
            raise ExternalServiceError(message, service="docker", operation=operation)
        yield event

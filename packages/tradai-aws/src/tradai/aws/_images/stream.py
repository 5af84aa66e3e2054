"""Streams of the daemon: a build, a push or a pull reports its failure inside a success."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from tradai.core import redact
from tradai.core.exceptions import ExternalServiceError

# Takes a line of progress.
Show: TypeAlias = Callable[[str], object]


def show_nothing(_: str) -> None:
    """Show no progress."""


def read_stream(
    events: Iterable[Mapping[str, Any]], operation: str, subject: str, *, show: Show = show_nothing
) -> dict[str, Any]:
    """Read a stream to its end, and return the result that it states, empty without one.

    The daemon answers 200 before it begins, so an error stands inside the stream.

    Args:
        events: Events of the stream.
        operation: Operation, such as ``push``.
        subject: Name of the image.
        show: Called with each line of progress, as it comes.

    Raises:
        ExternalServiceError: The stream reports an error, or is not one of Docker's.
    """
    result: dict[str, Any] = {}
    for event in events:
        if not isinstance(event, Mapping):
            raise failure(operation, subject, "the daemon sent an event that is not an object")
        _check(event, operation, subject)
        aux = event.get("aux")
        # BuildKit's own records are texts.
        result |= aux if isinstance(aux, Mapping) else {}
        text = _progress(event)
        if text:
            show(redact(text))
    return result


def failure(operation: str, subject: str, detail: str) -> ExternalServiceError:
    """Return the error of an operation that failed with the words `detail`."""
    text = " ".join(redact(detail).split())
    message = f"the {operation} of {subject} failed: {text}"
    return ExternalServiceError(message, service="docker", operation=operation)


def _check(event: Mapping[str, Any], operation: str, subject: str) -> None:
    if "error" in event or "errorDetail" in event:
        detail = event.get("errorDetail")
        words = detail.get("message") if isinstance(detail, Mapping) else detail
        raise failure(operation, subject, str(words or event.get("error") or "no reason was given"))


def _progress(event: Mapping[str, Any]) -> str:
    # A layer in transit is reported many times a second.
    if event.get("progressDetail"):
        return ""
    layer = f"{event['id']}: " if event.get("id") and "status" in event else ""
    return layer + str(event.get("stream") or event.get("status") or "").rstrip("\n")

"""Answers that boto3 takes for whole although they were cut on the way, or are somebody else's.

It does not compare the length of what has arrived with what was announced, and reads what is no
JSON as an empty answer: that would say of a secret that it has no value. Streamed bodies are not
looked at here.
"""

from typing import TYPE_CHECKING, Final, final

if TYPE_CHECKING:
    from botocore.awsrequest import AWSResponse
    from botocore.hooks import BaseEventHooks
    from botocore.model import OperationModel

__all__ = ["refuse_broken_answers"]

_OK: Final = 200


def refuse_broken_answers(events: "BaseEventHooks", *, max_attempts: int) -> None:
    """Have clients with these `events` ask again for such answers, `max_attempts` times in all."""
    # boto3's types leave out that some handlers answer.
    events.register("needs-retry", _AskAgain(max_attempts))  # type: ignore[arg-type]
    events.register("after-call", _refuse)


@final
class _AskAgain:
    """Says how many seconds to wait before another attempt, or None; a handler."""

    def __init__(self, max_attempts: int) -> None:
        self._max_attempts = max_attempts

    def __call__(
        self,
        *,
        response: "tuple[AWSResponse, object] | None",
        operation: "OperationModel",
        attempts: int,
        **_: object,
    ) -> float | None:
        is_broken = response is not None and _is_broken(response[0], operation)
        return 0 if is_broken and attempts < self._max_attempts else None


def _refuse(*, http_response: "AWSResponse", model: "OperationModel", **_: object) -> None:
    if _is_broken(http_response, model):
        from botocore.parsers import ResponseParserError

        # Nothing of the answer is quoted: there may be half a secret in it.
        message = f"the answer to {model.name} is cut, or none of AWS's"
        raise ResponseParserError(message)


def _is_broken(response: "AWSResponse", operation: "OperationModel") -> bool:
    is_bodiless = operation.http.get("method") == "HEAD"
    # Without a body: one of botocore's own stubs has answered.
    if is_bodiless or operation.has_streaming_output or response.raw is None:
        return False
    body = response.content
    announced = response.headers.get("content-length", "")
    if announced.isdecimal() and len(body) < int(announced):
        return True
    text = body.strip()
    return _is_json_due(response, operation) and (text[:1], text[-1:]) != (b"{", b"}")


def _is_json_due(response: "AWSResponse", operation: "OperationModel") -> bool:
    service = operation.service_model
    # Older releases of botocore know one protocol for each service.
    protocol = getattr(service, "resolved_protocol", service.metadata["protocol"])
    has_answer = response.status_code == _OK and operation.output_shape is not None
    return protocol == "json" and has_answer

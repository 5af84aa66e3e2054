"""Reject truncated or foreign responses that boto3 accepts.

boto3 does not compare the length of a body with its ``Content-Length``, and takes a body that is
not JSON for an empty response: a secret would seem to have no value. Streamed bodies are not
checked here.
"""

from typing import TYPE_CHECKING, Final, final

if TYPE_CHECKING:
    from botocore.awsrequest import AWSResponse
    from botocore.hooks import BaseEventHooks
    from botocore.model import OperationModel

_OK: Final = 200


def reject_broken_responses(events: "BaseEventHooks", *, max_attempts: int) -> None:
    """Register handlers that retry broken responses, up to `max_attempts` requests, then fail."""
    # boto3's types leave out that some handlers return a value.
    events.register("needs-retry", _RetryBroken(max_attempts))  # type: ignore[arg-type]
    events.register("after-call", _reject)


@final
class _RetryBroken:
    """Return the seconds to wait before another attempt, or None; a handler of ``needs-retry``."""

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


def _reject(*, http_response: "AWSResponse", model: "OperationModel", **_: object) -> None:
    if _is_broken(http_response, model):
        from botocore.parsers import ResponseParserError

        # The response is not quoted: it may contain half a secret.
        message = f"the response to {model.name} is truncated, or not from AWS"
        raise ResponseParserError(message)


def _is_broken(response: "AWSResponse", operation: "OperationModel") -> bool:
    is_head = operation.http.get("method") == "HEAD"
    # botocore's own stubs return responses without a raw body.
    if is_head or operation.has_streaming_output or response.raw is None:
        return False
    body = response.content
    announced = response.headers.get("content-length", "")
    if announced.isdecimal() and len(body) < int(announced):
        return True
    text = body.strip()
    return _expects_json(response, operation) and (text[:1], text[-1:]) != (b"{", b"}")


def _expects_json(response: "AWSResponse", operation: "OperationModel") -> bool:
    service = operation.service_model
    # Older releases of botocore know one protocol for each service.
    protocol = getattr(service, "resolved_protocol", service.metadata["protocol"])
    has_output = response.status_code == _OK and operation.output_shape is not None
    return protocol == "json" and has_output

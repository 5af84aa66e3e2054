"""Secret values are kept from botocore's own logs, which show whole requests and answers."""

import base64
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, final

if TYPE_CHECKING:
    from botocore.hooks import BaseEventHooks

__all__ = ["keep_values_from_logs"]

_OK: Final = 200
_UNREADABLE: Final = b"an answer that is not JSON"
_VALUES: Final[tuple[str, ...]] = ("SecretString", "SecretBinary", "SecretValues", "RandomPassword")


def keep_values_from_logs(events: "BaseEventHooks") -> None:
    """Have every client with these `events` hand values past botocore's logs."""
    events.register("before-call.secrets-manager", _seal_request)
    events.register("before-parse.secrets-manager", _take_values)


@final
class _SealedBody(bytes):
    """The body of a request, sent as it is and shown as a mask."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__


def _seal_request(*, params: dict[str, Any], **_: object) -> None:
    if isinstance(params.get("body"), bytes):
        params["body"] = _SealedBody(params["body"])


def _take_values(
    *, response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: object
) -> None:
    """Move values out of the body before botocore logs it; the caller gets them all the same."""
    if response_dict["status_code"] != _OK:
        return
    answer = _json_object(response_dict["body"])
    if answer is None:
        # botocore refuses this, and quotes it.
        response_dict["body"] = _UNREADABLE
        return
    taken = {name: answer.pop(name) for name in _VALUES if name in answer}
    response_dict["body"] = json.dumps(answer).encode()
    customized_response_dict.update(_parsed(taken))


def _json_object(body: bytes) -> dict[str, Any] | None:
    try:
        answer = json.loads(body)
    except ValueError:
        return None
    return answer if isinstance(answer, dict) else None


def _parsed(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return `fields` as botocore would: bytes, times, and lists of these."""
    return {name: _PARSERS.get(name, _as_it_is)(value) for name, value in fields.items()}


def _as_it_is(value: object) -> object:
    return value


_PARSERS: Final[Mapping[str, Callable[[Any], object]]] = {
    "CreatedDate": lambda seconds: datetime.fromtimestamp(seconds, UTC),
    "SecretBinary": base64.b64decode,
    "SecretValues": lambda values: [_parsed(value) for value in values],
}

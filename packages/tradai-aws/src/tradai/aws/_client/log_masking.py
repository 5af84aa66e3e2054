"""Keep secret values out of botocore's logs, which show whole requests and responses."""

import base64
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, final

if TYPE_CHECKING:
    from botocore.hooks import BaseEventHooks

_OK: Final = 200
_NOT_JSON: Final = b"a response that is not JSON"
_SECRET_FIELDS: Final[tuple[str, ...]] = (
    "SecretString",
    "SecretBinary",
    "SecretValues",
    "RandomPassword",
)


def mask_secrets_in_logs(events: "BaseEventHooks") -> None:
    """Register handlers that keep secret values of Secrets Manager out of botocore's logs."""
    events.register("before-call.secrets-manager", _mask_request)
    events.register("before-parse.secrets-manager", _extract_secrets)


@final
class _MaskedBody(bytes):
    """Body of a request that is sent unchanged and shown as a mask."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__


def _mask_request(*, params: dict[str, Any], **_: object) -> None:
    if isinstance(params.get("body"), bytes):
        params["body"] = _MaskedBody(params["body"])


def _extract_secrets(
    *, response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: object
) -> None:
    """Move secret values out of the body before botocore logs it; the caller still gets them."""
    if response_dict["status_code"] != _OK:
        return
    fields = _json_object(response_dict["body"])
    if fields is None:
        # botocore rejects this, and quotes it.
        response_dict["body"] = _NOT_JSON
        return
    secrets = {name: fields.pop(name) for name in _SECRET_FIELDS if name in fields}
    response_dict["body"] = json.dumps(fields).encode()
    customized_response_dict.update(_parse_fields(secrets))


def _json_object(body: bytes) -> dict[str, Any] | None:
    try:
        fields = json.loads(body)
    except ValueError:
        return None
    return fields if isinstance(fields, dict) else None


def _parse_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return `fields` parsed as botocore does: bytes, times, and lists of these."""
    return {name: _PARSERS.get(name, _unchanged)(value) for name, value in fields.items()}


def _unchanged(value: object) -> object:
    return value


_PARSERS: Final[Mapping[str, Callable[[Any], object]]] = {
    "CreatedDate": lambda seconds: datetime.fromtimestamp(seconds, UTC),
    "SecretBinary": base64.b64decode,
    "SecretValues": lambda values: [_parse_fields(value) for value in values],
}

"""Keep secret values out of botocore's logs, which show whole requests and responses."""

import logging
from typing import TYPE_CHECKING, Any, Final, final

if TYPE_CHECKING:
    from botocore.hooks import BaseEventHooks

# Services whose answers are credentials: assumed roles, single sign-on, logins of registries.
_CREDENTIALS: Final = ("ecr", "sts", "sso", "sso-oidc")
_NOT_JSON: Final = b"a response that is not JSON"


def mask_secrets_in_logs(events: "BaseEventHooks") -> None:
    """Register handlers that keep secret values and credentials out of botocore's logs."""
    events.register("before-call.secrets-manager", _mask_request)
    events.register("before-parse.secrets-manager", _mask_response)
    for service in _CREDENTIALS:
        events.register(f"before-parse.{service}", _mask_credentials)


def quiet_credential_notices() -> None:
    """Keep out of logs from which source each process took its credentials, unless at DEBUG."""
    log = logging.getLogger("botocore.credentials")
    if log.level == logging.NOTSET and not log.isEnabledFor(logging.DEBUG):
        log.setLevel(logging.WARNING)


@final
class _MaskedBody(bytes):
    """Body that is sent or parsed unchanged and shown as a mask."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__


def _mask_request(*, params: dict[str, Any], **_: object) -> None:
    if isinstance(params.get("body"), bytes):
        params["body"] = _MaskedBody(params["body"])


def _mask_response(*, response_dict: dict[str, Any], **_: object) -> None:
    """Mask the body, of a refusal too: its message may quote a value of the request."""
    body = response_dict["body"]
    # botocore's parser fails with a list, and quotes what is not JSON.
    is_object = not body or body.lstrip().startswith(b"{")
    response_dict["body"] = _MaskedBody(body if is_object else _NOT_JSON)


def _mask_credentials(*, response_dict: dict[str, Any], **_: object) -> None:
    response_dict["body"] = _MaskedBody(response_dict["body"])

"""Checks of requests to a fake, by botocore's description of the real service."""

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from botocore.model import ServiceModel

_SERVER_FAULTS: Final = {"ServerException": 500, "ServiceUnavailableException": 503}
_CLIENT_FAULT: Final = 400


def check_request(service: str, operation: str, parameters: Mapping[str, Any]) -> None:
    """Check names and types of `parameters` as boto3 does before it sends a request.

    Args:
        service: boto3's name of the service, such as ``ecs``.
        operation: Operation as AWS writes it, such as ``RunTask``.
        parameters: Parameters of the call.

    Raises:
        botocore.exceptions.ParamValidationError: boto3 would not send the request.
    """
    from botocore.exceptions import ParamValidationError
    from botocore.validate import ParamValidator

    # Each operation of these services has input, which botocore's types leave open.
    shape: Any = _service_model(service).operation_model(operation).input_shape
    report = ParamValidator().validate(dict(parameters), shape)
    if report.has_errors():
        raise ParamValidationError(report=report.generate_report())


@cache
def _service_model(service: str) -> "ServiceModel":
    import botocore.session

    return botocore.session.get_session().get_service_model(service)


def client_error(operation: str, reason: str, message: str, **facts: object) -> Exception:
    """Return boto3's error for the code `reason`; `facts` are further keys of the response."""
    from botocore.exceptions import ClientError

    status = _SERVER_FAULTS.get(reason, _CLIENT_FAULT)
    response: Any = {
        "Error": {"Code": reason, "Message": message},
        "ResponseMetadata": {"RequestId": "scripted", "HTTPStatusCode": status},
        **facts,
    }
    return ClientError(response, operation)


def connection_lost() -> Exception:
    """Return boto3's error for a connection that was closed before the reply."""
    from botocore.exceptions import ConnectionClosedError

    return ConnectionClosedError(endpoint_url="https://ecs.scripted.invalid")

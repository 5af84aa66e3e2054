"""Read up to twenty secrets from AWS per request, by their exact names."""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from tradai.aws._client.errors import AwsError, error_from_code
from tradai.aws._secrets.boto_client import SERVICE, secret_error, translated
from tradai.aws._secrets.failure import unexpected_error
from tradai.aws._secrets.identity import CURRENT, SecretIdentity
from tradai.aws._secrets.requests import Outcome, SecretRequests, version_of
from tradai.core.exceptions import TradAIError

_BATCH: Final = "batch_get_secret_value"
# https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_BatchGetSecretValue.html
_BATCH_SIZE: Final = 20
# A batch has no HTTP status of its own for each secret.
_SERVER_FAULT: Final = 500
# AWS appends it to the name of a secret to make the ARN unique.
_ARN_SUFFIX: Final = re.compile(r"-[A-Za-z0-9]{6}\Z")
_SERVER_FAULT_CODES: Final = frozenset(
    {"InternalFailure", "InternalServiceError", "ServiceUnavailable"}
)


def read_many(
    requests: SecretRequests, identities: Sequence[SecretIdentity]
) -> dict[SecretIdentity, Outcome]:
    """Read many secrets; return the version or the error of each.

    Current versions are requested by `SecretIdList`: a filter by name would also match every longer
    name. Each other stage needs a request of its own; so does every secret when the permission for
    batches is missing, and a secret that the response leaves out.
    """
    outcomes: dict[SecretIdentity, Outcome] = dict(_unreachable(requests, identities))
    remaining = (
        identity
        for identity in identities
        if identity.stage == CURRENT and identity not in outcomes
    )
    while batch := list(islice(remaining, _BATCH_SIZE)):
        try:
            outcomes |= _read_batch(requests, batch)
        except AwsError as exc:
            if exc.retryable:
                return dict.fromkeys(identities, exc.with_traceback(None)) | outcomes
            break
        except TradAIError:
            raise
        # The caller's own client may raise anything.
        except Exception as exc:  # noqa: BLE001
            return dict.fromkeys(identities, unexpected_error(exc)) | outcomes
    left_out = [identity for identity in identities if identity not in outcomes]
    return outcomes | {identity: requests.read_or_error(identity) for identity in left_out}


def _unreachable(
    requests: SecretRequests, identities: Sequence[SecretIdentity]
) -> Iterator[tuple[SecretIdentity, TradAIError]]:
    client = requests.client()
    for identity in identities:
        try:
            requests.require_reachable(client, identity)
        except TradAIError as exc:
            yield identity, exc.with_traceback(None)


def _read_batch(
    requests: SecretRequests, batch: Sequence[SecretIdentity]
) -> dict[SecretIdentity, Outcome]:
    outcomes: dict[SecretIdentity, Outcome] = {}
    for page, read_s in _pages(requests, [identity.secret_id for identity in batch]):
        for error in page.get("Errors", ()):
            failed = [identity for identity in batch if error.get("SecretId") == identity.secret_id]
            outcomes |= {identity: _error(error, identity) for identity in failed}
        for value in page.get("SecretValues", ()):
            read = [identity for identity in batch if _is_value_of(identity, value)]
            outcomes |= {identity: _outcome(value, identity, read_s) for identity in read}
    return outcomes


def _pages(requests: SecretRequests, names: list[str]) -> Iterator[tuple[Mapping[str, Any], float]]:
    next_page: dict[str, str] = {}
    while True:
        read_s = requests.clock()
        with translated(_BATCH, f"{len(names)} secrets"):
            page = requests.client().batch_get_secret_value(SecretIdList=names, **next_page)
        yield page, read_s
        if not page.get("NextToken"):
            return
        next_page = {"NextToken": page["NextToken"]}


def _is_value_of(identity: SecretIdentity, value: Mapping[str, Any]) -> bool:
    names = {value.get("Name"), str(value.get("ARN"))}
    # The ARN of a secret whose name ends like a suffix begins with the full ARN of another secret,
    # so only an ARN without a suffix is compared with the ARN cut short.
    if _ARN_SUFFIX.search(identity.secret_id) is None:
        names.add(_ARN_SUFFIX.sub("", str(value.get("ARN"))))
    return identity.secret_id in names


def _error(error: Mapping[str, Any], identity: SecretIdentity) -> TradAIError:
    code = str(error.get("ErrorCode", ""))
    status = _SERVER_FAULT if code in _SERVER_FAULT_CODES else 0
    call = (SERVICE, _BATCH, identity.reference)
    return secret_error(error_from_code(code, call, status=status), identity.reference)


def _outcome(value: Mapping[str, Any], identity: SecretIdentity, read_s: float) -> Outcome:
    try:
        return version_of(value, identity, read_s)
    except TradAIError as exc:
        return exc.with_traceback(None)

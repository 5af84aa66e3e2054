"""Secrets read from AWS twenty at a time, by their exact names."""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from tradai.aws._client.errors import AwsError, error_from_code
from tradai.aws._secrets.boto_client import SERVICE, about_secret, translated
from tradai.aws._secrets.failure import unforeseen
from tradai.aws._secrets.identity import CURRENT, SecretIdentity
from tradai.aws._secrets.requests import Outcome, SecretRequests, reading_of
from tradai.core.exceptions import TradAIError

__all__ = ["read_many"]

_BATCH: Final = "batch_get_secret_value"
# https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_BatchGetSecretValue.html
_MOST: Final = 20
# Here an answer has no HTTP status of its own for each secret.
_FAULT: Final = 500
# What AWS puts after the name of a secret to make its ARN unique.
_SUFFIX: Final = re.compile(r"-[A-Za-z0-9]{6}\Z")
_FAULTS: Final = frozenset({"InternalFailure", "InternalServiceError", "ServiceUnavailable"})


def read_many(
    requests: SecretRequests, identities: Sequence[SecretIdentity]
) -> dict[SecretIdentity, Outcome]:
    """Ask for many secrets; each has its reading or its error.

    Present versions are asked for by `SecretIdList`: a filter by name would find every longer name
    as well. Another stage is asked for alone; so is everything where the right to ask for many is
    missing, and a secret of which the answer says nothing.
    """
    found: dict[SecretIdentity, Outcome] = dict(_elsewhere(requests, identities))
    waiting = (one for one in identities if one.stage == CURRENT and one not in found)
    while some := list(islice(waiting, _MOST)):
        try:
            found |= _read_batch(requests, some)
        except AwsError as exc:
            if exc.retryable:
                return dict.fromkeys(identities, exc.with_traceback(None)) | found
            break
        except TradAIError:
            raise
        # A client may be anybody's.
        except Exception as exc:  # noqa: BLE001
            return dict.fromkeys(identities, unforeseen(exc)) | found
    return found | {one: requests.outcome(one) for one in identities if one not in found}


def _elsewhere(
    requests: SecretRequests, identities: Sequence[SecretIdentity]
) -> Iterator[tuple[SecretIdentity, TradAIError]]:
    client = requests.client()
    for one in identities:
        try:
            requests.require_reachable(client, one)
        except TradAIError as exc:
            yield one, exc.with_traceback(None)


def _read_batch(
    requests: SecretRequests, identities: Sequence[SecretIdentity]
) -> dict[SecretIdentity, Outcome]:
    found: dict[SecretIdentity, Outcome] = {}
    for answer, read_s in _answers(requests, [one.secret_id for one in identities]):
        for error in answer.get("Errors", ()):
            found |= {one: _refusal(error, one) for one in identities if _is_named(error, one)}
        for value in answer.get("SecretValues", ()):
            found |= {
                one: _outcome(value, one, read_s) for one in identities if _is_meant(value, one)
            }
    return found


def _answers(
    requests: SecretRequests, names: list[str]
) -> Iterator[tuple[Mapping[str, Any], float]]:
    more: dict[str, str] = {}
    while True:
        read_s = requests.clock()
        with translated(_BATCH, f"{len(names)} secrets"):
            answer = requests.client().batch_get_secret_value(SecretIdList=names, **more)
        yield answer, read_s
        if not answer.get("NextToken"):
            return
        more = {"NextToken": answer["NextToken"]}


def _is_named(error: Mapping[str, Any], identity: SecretIdentity) -> bool:
    return bool(error.get("SecretId") == identity.secret_id)


def _is_meant(value: Mapping[str, Any], identity: SecretIdentity) -> bool:
    name, arn = value.get("Name"), str(value.get("ARN"))
    is_whole = _SUFFIX.search(identity.secret_id) is not None
    # A whole ARN is the beginning of that of a secret whose name ends like a suffix.
    return identity.secret_id in ({name, arn} if is_whole else {name, arn, _SUFFIX.sub("", arn)})


def _refusal(error: Mapping[str, Any], identity: SecretIdentity) -> TradAIError:
    reason = str(error.get("ErrorCode", ""))
    status = _FAULT if reason in _FAULTS else 0
    call = (SERVICE, _BATCH, identity.reference)
    return about_secret(error_from_code(reason, call, status=status), identity.reference)


def _outcome(value: Mapping[str, Any], identity: SecretIdentity, read_s: float) -> Outcome:
    try:
        return reading_of(value, identity, read_s)
    except TradAIError as exc:
        return exc.with_traceback(None)

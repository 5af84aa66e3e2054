"""Proof that a server obeys the conditions of writes: some that speak S3's protocol ignore them."""

from typing import Final

from tradai.aws._s3.store import S3Store
from tradai.core.exceptions import ConfigurationError, ConflictError

# No object has this tag.
_WRONG_TAG: Final = f'"{"0" * 32}"'
# Another process may have deleted the object before the first try, which then makes it anew.
_TRIES: Final = 2


def prove_conditions(store: S3Store, uri: str, data: bytes, *, what: str) -> None:
    """Try two writes of `data` over the object at `uri` that the server must refuse.

    Raises:
        ConfigurationError: The server ignores a condition; `what` names the object.
        AwsError: S3 did not answer.
    """
    for tag in (None, _WRONG_TAG):
        if not any(_is_refused(store, uri, data, tag) for _ in range(_TRIES)):
            message = (
                f"the {what} {uri} would not be exclusive: this server ignores the conditions "
                "If-None-Match and If-Match of writes; use a server that obeys them, as Amazon S3 "
                "does"
            )
            raise ConfigurationError(message, key="AWS_ENDPOINT_URL")


def _is_refused(store: S3Store, uri: str, data: bytes, tag: str | None) -> bool:
    try:
        store.write(uri, data, if_match=tag, if_absent=tag is None)
    except ConflictError:
        return True
    return False

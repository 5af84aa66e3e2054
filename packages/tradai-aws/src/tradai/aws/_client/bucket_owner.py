"""Name the account that a bucket must belong to in every request to S3."""

from typing import TYPE_CHECKING, Any, Final, final

if TYPE_CHECKING:
    from botocore.hooks import BaseEventHooks
    from botocore.model import OperationModel

# The bucket of the request, and for copies the bucket that is read.
_OWNERS: Final = ("ExpectedBucketOwner", "ExpectedSourceBucketOwner")


def require_bucket_owner(events: "BaseEventHooks", account: str) -> None:
    """Have S3 refuse each request for a bucket of another account than `account`."""
    events.register("before-parameter-build.s3", _BucketOwner(account))


@final
class _BucketOwner:
    """Add the owner to the parameters of a request; a handler of ``before-parameter-build``."""

    def __init__(self, account: str) -> None:
        self._account = account

    def __call__(
        self,
        *,
        params: dict[str, Any],
        model: "OperationModel",
        context: dict[str, Any],
        **_: object,
    ) -> None:
        # The user of a presigned URL would have to send the owner, too.
        if model.input_shape is None or context.get("is_presign_request"):
            return
        for name in _OWNERS:
            if name in model.input_shape.members:
                params[name] = self._account

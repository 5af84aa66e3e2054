"""Door of tradai.aws: what tradai knows about Amazon Web Services.

boto3 is imported when the first client is made, not before.
"""

from tradai.core import lazy_door

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tradai.aws._arns import Arn as Arn
    from tradai.aws._clients import client_for as client_for
    from tradai.aws._errors import AwsError as AwsError
    from tradai.aws._s3_config import S3Config as S3Config
    from tradai.aws._s3_config import S3Layer as S3Layer
    from tradai.aws._s3_config import load_config as load_config
    from tradai.aws._s3_store import S3Object as S3Object
    from tradai.aws._s3_store import S3Store as S3Store
    from tradai.aws._settings import AwsSettings as AwsSettings

__all__ = [
    "Arn",
    "AwsError",
    "AwsSettings",
    "S3Config",
    "S3Layer",
    "S3Object",
    "S3Store",
    "client_for",
    "load_config",
]

if not TYPE_CHECKING:
    __getattr__, __dir__ = lazy_door(
        __name__,
        {
            "Arn": "_arns",
            "AwsError": "_errors",
            "AwsSettings": "_settings",
            "S3Config": "_s3_config",
            "S3Layer": "_s3_config",
            "S3Object": "_s3_store",
            "S3Store": "_s3_store",
            "client_for": "_clients",
            "load_config": "_s3_config",
        },
    )

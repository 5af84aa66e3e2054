"""Door of tradai.aws: what tradai knows about Amazon Web Services.

boto3 is imported when the first client is made, not before.
"""

from tradai.core import lazy_door

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tradai.aws._arns import Arn as Arn
    from tradai.aws._clients import client_for as client_for
    from tradai.aws._errors import AwsError as AwsError
    from tradai.aws._held_secret import HeldSecret as HeldSecret
    from tradai.aws._s3_config import S3Config as S3Config
    from tradai.aws._s3_config import S3Layer as S3Layer
    from tradai.aws._s3_config import load_config as load_config
    from tradai.aws._s3_store import S3Object as S3Object
    from tradai.aws._s3_store import S3Store as S3Store
    from tradai.aws._secret_client import SecretsClient as SecretsClient
    from tradai.aws._secret_failure import SecretState as SecretState
    from tradai.aws._secret_policy import SecretsPolicy as SecretsPolicy
    from tradai.aws._secrets_editor import SecretsEditor as SecretsEditor
    from tradai.aws._secrets_manager import SecretsManager as SecretsManager
    from tradai.aws._settings import AwsSettings as AwsSettings
    from tradai.aws._shared_secrets import get_secret as get_secret
    from tradai.aws._shared_secrets import get_secrets_client as get_secrets_client

__all__ = [
    "Arn",
    "AwsError",
    "AwsSettings",
    "HeldSecret",
    "S3Config",
    "S3Layer",
    "S3Object",
    "S3Store",
    "SecretState",
    "SecretsClient",
    "SecretsEditor",
    "SecretsManager",
    "SecretsPolicy",
    "client_for",
    "get_secret",
    "get_secrets_client",
    "load_config",
]

if not TYPE_CHECKING:
    __getattr__, __dir__ = lazy_door(
        __name__,
        {
            "Arn": "_arns",
            "AwsError": "_errors",
            "AwsSettings": "_settings",
            "HeldSecret": "_held_secret",
            "S3Config": "_s3_config",
            "S3Layer": "_s3_config",
            "S3Object": "_s3_store",
            "S3Store": "_s3_store",
            "SecretState": "_secret_failure",
            "SecretsClient": "_secret_client",
            "SecretsEditor": "_secrets_editor",
            "SecretsManager": "_secrets_manager",
            "SecretsPolicy": "_secret_policy",
            "client_for": "_clients",
            "get_secret": "_shared_secrets",
            "get_secrets_client": "_shared_secrets",
            "load_config": "_s3_config",
        },
    )

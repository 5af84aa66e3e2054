"""Public names of tradai.aws: boto3 clients, S3, Secrets Manager, jobs and their logs, sessions.

boto3 is imported when the first client is created, not before.
"""

from tradai.core import lazy_exports

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tradai.aws._alerts.sns_channel import SnsChannel as SnsChannel, SnsClient as SnsClient
    from tradai.aws._client.arn import Arn as Arn
    from tradai.aws._client.client import client_for as client_for
    from tradai.aws._client.errors import AwsError as AwsError
    from tradai.aws._client.settings import AwsSettings as AwsSettings
    from tradai.aws._docker.runner import DockerRunner as DockerRunner
    from tradai.aws._ecs._checks.resources import check_ecs as check_ecs
    from tradai.aws._ecs.client import (
        EcsClient as EcsClient,
        LaunchError as LaunchError,
        LaunchFailure as LaunchFailure,
    )
    from tradai.aws._ecs.costs import (
        Cost as Cost,
        EcsPriceSettings as EcsPriceSettings,
        FargatePrices as FargatePrices,
        PriceTable as PriceTable,
        TotalCost as TotalCost,
        actual_cost as actual_cost,
        estimate_cost as estimate_cost,
    )
    from tradai.aws._ecs.job_manager import ECSJobManager as ECSJobManager
    from tradai.aws._ecs.policy import EcsPolicy as EcsPolicy
    from tradai.aws._ecs.reaper import ExpiredTask as ExpiredTask
    from tradai.aws._ecs.runner import EcsRunner as EcsRunner
    from tradai.aws._ecs.settings import EcsSettings as EcsSettings
    from tradai.aws._ecs.stop_causes import StopCause as StopCause
    from tradai.aws._ecs.verdicts import StopVerdict as StopVerdict, judge_stop as judge_stop
    from tradai.aws._images.daemon import DockerSettings as DockerSettings
    from tradai.aws._lease.lease_store import S3LeaseStore as S3LeaseStore
    from tradai.aws._logs.follower import LogFollower as LogFollower
    from tradai.aws._logs.policy import LogPolicy as LogPolicy
    from tradai.aws._logs.position import LogPosition as LogPosition
    from tradai.aws._logs.schedule import LogSchedule as LogSchedule
    from tradai.aws._logs.stream_reader import LogsClient as LogsClient
    from tradai.aws._s3.config import (
        S3Config as S3Config,
        S3Layer as S3Layer,
        load_config as load_config,
    )
    from tradai.aws._s3.store import S3Object as S3Object, S3Store as S3Store
    from tradai.aws._secrets.boto_client import SecretsClient as SecretsClient
    from tradai.aws._secrets.editor import SecretsEditor as SecretsEditor
    from tradai.aws._secrets.failure import SecretState as SecretState
    from tradai.aws._secrets.held_secret import HeldSecret as HeldSecret
    from tradai.aws._secrets.policy import SecretsPolicy as SecretsPolicy
    from tradai.aws._secrets.secrets_manager import SecretsManager as SecretsManager
    from tradai.aws._secrets.shared import (
        get_secret as get_secret,
        get_secrets_client as get_secrets_client,
    )
    from tradai.aws._sessions.dynamodb_store import (
        DynamoDBClient as DynamoDBClient,
        DynamoDBSessionStore as DynamoDBSessionStore,
    )
    from tradai.aws._sessions.s3_store import S3SessionStore as S3SessionStore

if not TYPE_CHECKING:
    __getattr__, __dir__, __all__ = lazy_exports(
        __name__,
        {
            "_alerts.sns_channel": "SnsChannel SnsClient",
            "_client.arn": "Arn",
            "_client.client": "client_for",
            "_client.errors": "AwsError",
            "_client.settings": "AwsSettings",
            "_ecs.client": "EcsClient LaunchError LaunchFailure",
            "_ecs.job_manager": "ECSJobManager",
            "_ecs.policy": "EcsPolicy",
            "_ecs.reaper": "ExpiredTask",
            "_ecs.runner": "EcsRunner",
            "_ecs.settings": "EcsSettings",
            "_ecs._checks.resources": "check_ecs",
            "_ecs.costs": (
                "Cost EcsPriceSettings FargatePrices PriceTable TotalCost actual_cost estimate_cost"
            ),
            "_ecs.stop_causes": "StopCause",
            "_ecs.verdicts": "StopVerdict judge_stop",
            "_docker.runner": "DockerRunner",
            "_images.daemon": "DockerSettings",
            "_lease.lease_store": "S3LeaseStore",
            "_logs.follower": "LogFollower",
            "_logs.policy": "LogPolicy",
            "_logs.position": "LogPosition",
            "_logs.schedule": "LogSchedule",
            "_logs.stream_reader": "LogsClient",
            "_s3.config": "S3Config S3Layer load_config",
            "_s3.store": "S3Object S3Store",
            "_secrets.boto_client": "SecretsClient",
            "_secrets.editor": "SecretsEditor",
            "_secrets.failure": "SecretState",
            "_secrets.held_secret": "HeldSecret",
            "_secrets.policy": "SecretsPolicy",
            "_secrets.secrets_manager": "SecretsManager",
            "_secrets.shared": "get_secret get_secrets_client",
            "_sessions.dynamodb_store": "DynamoDBClient DynamoDBSessionStore",
            "_sessions.s3_store": "S3SessionStore",
        },
    )

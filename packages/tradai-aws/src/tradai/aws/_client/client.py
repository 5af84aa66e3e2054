"""One shared boto3 client for each service and settings in a process."""

import os
import threading
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Literal, final, overload

from tradai.aws._client.bucket_owner import require_bucket_owner
from tradai.aws._client.endpoints import (
    HostGuard,
    disable_transfers,
    is_loopback,
    require_own_endpoint,
)
from tradai.aws._client.errors import FIND_CREDENTIALS, translated
from tradai.aws._client.listing_rows import parse_listing
from tradai.aws._client.log_masking import mask_secrets_in_logs, quiet_credential_notices
from tradai.aws._client.response_checks import reject_broken_responses
from tradai.aws._client.settings import AwsSettings
from tradai.core.exceptions import ConfigurationError

if TYPE_CHECKING:
    import boto3
    from botocore.config import Config
    from types_boto3_ecr import ECRClient
    from types_boto3_s3 import S3Client
    from types_boto3_secretsmanager import SecretsManagerClient
    from types_boto3_sts import STSClient

# Enough for our own transfers and some readers beside them; with boto3's 10 threads wait.
_MAX_CONNECTIONS: Final = 32


@overload
def client_for(service: Literal["ecr"], settings: AwsSettings | None = None) -> "ECRClient": ...
@overload
def client_for(service: Literal["s3"], settings: AwsSettings | None = None) -> "S3Client": ...
@overload
def client_for(
    service: Literal["secretsmanager"], settings: AwsSettings | None = None
) -> "SecretsManagerClient": ...
@overload
def client_for(service: Literal["sts"], settings: AwsSettings | None = None) -> "STSClient": ...
# boto3 has no common type of its clients.
@overload
def client_for(service: str, settings: AwsSettings | None = None) -> Any: ...  # noqa: ANN401
def client_for(service: str, settings: AwsSettings | None = None) -> object:
    """Return the boto3 client for `service`, which is created on first use.

    Equal settings share one client, which any number of threads may use; a forked process creates
    its own. The client talks to the host of its endpoint only. boto3 is imported here, not before.

    Args:
        service: boto3's name of the service, such as ``"s3"``.
        settings: Region, profile and endpoint; by default those of the environment now.

    Raises:
        ConfigurationError: No region, no such profile, no credentials, or another account than
            ``TRADAI_AWS_ACCOUNT``.
        AwsError: The account could not be read.
    """
    return _CLIENTS.client(service, settings or AwsSettings())


@final
class _Clients:
    """Clients by service and settings."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Drop all clients; after a fork the lock may be held by a thread that does not exist."""
        self._lock = threading.Lock()
        self._sessions: dict[AwsSettings, boto3.Session] = {}
        self._clients: dict[tuple[str, AwsSettings], object] = {}

    def client(self, service: str, settings: AwsSettings) -> object:
        key = (service, settings)
        client = self._clients.get(key)
        if client is not None:
            return client
        # A session of boto3 cannot create two clients at once.
        with self._lock:
            if key not in self._clients:
                self._clients[key] = _new_client(self._session(settings), service, settings)
            return self._clients[key]

    def _session(self, settings: AwsSettings) -> "boto3.Session":
        if settings not in self._sessions:
            session = _new_session(settings)
            _check_account(session, settings)
            self._sessions[settings] = session
        return self._sessions[settings]


_CLIENTS: Final = _Clients()


def drop_clients() -> None:
    """Drop all shared clients and their sessions; the next use makes new ones."""
    _CLIENTS.reset()


# Registered before the first fork.
os.register_at_fork(after_in_child=_CLIENTS.reset)


def _new_session(settings: AwsSettings) -> "boto3.Session":
    import boto3
    import botocore.session

    quiet_credential_notices()
    with translated("aws", "session"):
        core = botocore.session.Session(profile=settings.profile)
        parsers = core.get_component("response_parser_factory")
        parsers.set_parser_defaults(timestamp_parser=_parse_timestamp)
        session = boto3.Session(botocore_session=core, region_name=settings.region)
    _require_region_and_credentials(session)
    session.events.register("before-parse.s3.ListObjectsV2", parse_listing)
    mask_secrets_in_logs(session.events)
    if settings.account is not None:
        require_bucket_owner(session.events, settings.account)
    reject_broken_responses(session.events, max_attempts=settings.max_attempts)
    if settings.endpoint_url is not None:
        # On the session, so that it also holds for clients that fetch credentials.
        session.events.register("before-send", HostGuard(settings.endpoint_url))
        session.events.register("creating-client-class.s3", disable_transfers)
    return session


def _require_region_and_credentials(session: "boto3.Session") -> None:
    if session.region_name is None:
        message = "no AWS region is set; set AWS_REGION, or a region in the profile"
        raise ConfigurationError(message, key="AWS_REGION")
    with translated("aws", "session"):
        credentials = session.get_credentials()
    # A client that was created without credentials never looks for them again.
    if credentials is None:
        message = "no AWS credentials were found; " + FIND_CREDENTIALS
        raise ConfigurationError(message, key="AWS_PROFILE")


def _new_client(session: "boto3.Session", service: str, settings: AwsSettings) -> Any:  # noqa: ANN401
    with translated(service, "client"):
        # boto3's types know literal names of services only.
        client = session.client(  # type: ignore[call-overload]
            service, endpoint_url=settings.endpoint_url, config=_botocore_config(settings)
        )
    if settings.endpoint_url is None:
        prefix = client.meta.service_model.endpoint_prefix
        require_own_endpoint(service, prefix, client.meta.endpoint_url)
    return client


def _botocore_config(settings: AwsSettings) -> "Config":
    from botocore.config import Config

    is_custom = settings.endpoint_url is not None
    # Without proxies of its own, boto3 takes those of the environment.
    is_local = settings.endpoint_url is not None and is_loopback(settings.endpoint_url)
    return Config(
        proxies={} if is_local else None,
        connect_timeout=settings.connect_timeout_s,
        read_timeout=settings.read_timeout_s,
        retries={"total_max_attempts": settings.max_attempts, "mode": settings.retry_mode},
        max_pool_connections=_MAX_CONNECTIONS,
        inject_host_prefix=not is_custom,
        s3={"addressing_style": "path"} if is_custom else {},
    )


def _check_account(session: "boto3.Session", settings: AwsSettings) -> None:
    if settings.account is None:
        return
    client = _new_client(session, "sts", settings)
    with translated("sts", "get_caller_identity"):
        account = client.get_caller_identity()["Account"]
    if account != settings.account:
        message = (
            f"these credentials belong to account {account}, and TRADAI_AWS_ACCOUNT allows only "
            f"{settings.account}; use another profile, or change TRADAI_AWS_ACCOUNT"
        )
        raise ConfigurationError(message, key="TRADAI_AWS_ACCOUNT")


def _parse_timestamp(text: str) -> datetime:
    """Parse a timestamp of AWS; most are ISO 8601, which Python parses 50 times as fast."""
    try:
        return datetime.fromisoformat(text)
    except (TypeError, ValueError):
        from botocore.utils import parse_timestamp

        return parse_timestamp(text)

"""Clients: one for each service and settings, bound to its endpoint, created on first use."""

import logging
import os
import select
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from hypothesis import given, strategies as st

from tradai.aws import AwsSettings, client_for
from tradai.core.exceptions import ConfigurationError

LOOPBACK = "http://127.0.0.1:9"
NAMES = st.from_regex(r"[a-z]{1,8}(\.[a-z]{1,8}){0,3}", fullmatch=True)


@pytest.fixture
def settings(request: pytest.FixtureRequest) -> AwsSettings:
    """Settings of this test alone: equal settings share a client."""
    return AwsSettings(region="eu-central-1", endpoint_url=f"{LOOPBACK}/{request.node.name}")


def test_equal_settings_share_one_client(settings: AwsSettings) -> None:
    twin = AwsSettings(**settings.model_dump())

    assert client_for("s3", settings) is client_for("s3", twin)


def test_another_service_or_other_settings_have_their_own_client(settings: AwsSettings) -> None:
    patient = AwsSettings(**settings.model_dump() | {"read_timeout_s": 60})

    clients = {
        client_for("s3", settings),
        client_for("sts", settings),
        client_for("s3", patient),
    }

    assert len(clients) == 3


def test_64_threads_at_once_get_one_client(settings: AwsSettings) -> None:
    barrier = threading.Barrier(64)

    def ask(_: int) -> object:
        barrier.wait()
        return client_for("s3", settings)

    with ThreadPoolExecutor(64) as pool:
        clients = set(pool.map(ask, range(64)))

    assert len(clients) == 1


def test_without_settings_the_client_is_that_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, settings: AwsSettings
) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", str(settings.endpoint_url))

    client = client_for("s3")

    assert (client.meta.region_name, client.meta.endpoint_url) == (
        "eu-west-1",
        settings.endpoint_url,
    )


def test_timeouts_and_retries_reach_boto3() -> None:
    settings = AwsSettings(
        region="eu-central-1",
        connect_timeout_s=1.5,
        read_timeout_s=2.5,
        max_attempts=7,
        retry_mode="adaptive",
    )

    config = client_for("s3", settings).meta.config

    # boto3's types leave these attributes out.
    assert config.connect_timeout == 1.5  # type: ignore[attr-defined]
    assert config.read_timeout == 2.5  # type: ignore[attr-defined]
    assert config.retries == {"mode": "adaptive", "total_max_attempts": 7}  # type: ignore[attr-defined]


def test_the_source_of_credentials_is_not_the_first_line_of_every_log(
    settings: AwsSettings, caplog: pytest.LogCaptureFixture
) -> None:
    log = logging.getLogger("botocore.credentials")
    caplog.set_level(logging.INFO)
    caplog.set_level(logging.NOTSET, logger=log.name)

    client_for("s3", settings)

    assert not log.isEnabledFor(logging.INFO)
    assert log.isEnabledFor(logging.WARNING)


def test_without_a_region_the_message_names_the_variable() -> None:
    with pytest.raises(ConfigurationError, match="set AWS_REGION") as caught:
        client_for("s3", AwsSettings())

    assert caught.value.key == "AWS_REGION"


def test_a_region_that_is_not_valid_is_reported_by_its_variable() -> None:
    with pytest.raises(ConfigurationError, match="write it like eu-central-1") as caught:
        client_for("s3", AwsSettings(region="eu central"))

    assert caught.value.key == "AWS_REGION"


def test_missing_credentials_are_an_error_with_advice_and_are_looked_for_again(
    settings: AwsSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.delenv("AWS_ACCESS_KEY_ID")
        patch.delenv("AWS_SECRET_ACCESS_KEY")
        with pytest.raises(ConfigurationError, match="aws sso login") as caught:
            client_for("s3", settings)

    assert caught.value.key == "AWS_PROFILE"
    assert client_for("s3", settings).meta.region_name == settings.region


def test_the_region_may_come_from_the_other_variable_of_awss_tools(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-3")

    assert client_for("s3", AwsSettings()).meta.region_name == "eu-west-3"


def test_an_unknown_profile_names_the_variable() -> None:
    with pytest.raises(ConfigurationError, match="ProfileNotFound") as caught:
        client_for("s3", AwsSettings(region="eu-central-1", profile="nobody"))

    assert caught.value.key == "AWS_PROFILE"


@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"])
def test_an_endpoint_that_only_boto3_reads_is_refused(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = AwsSettings(region="eu-central-1", read_timeout_s=11)
    monkeypatch.setenv(variable, LOOPBACK)

    with pytest.raises(ConfigurationError, match="put it into AWS_ENDPOINT_URL"):
        client_for("s3", settings)


class _Answer:
    """The body of an answer."""

    def __init__(self, text: str = "") -> None:
        self._text = text

    def stream(self) -> Iterator[bytes]:
        yield self._text.encode()


@pytest.fixture
def hosts() -> Callable[[object], list[str]]:
    """Stop the requests of a client, and list their hosts."""

    def watch(client: object) -> list[str]:
        seen: list[str] = []

        def answer(request: AWSPreparedRequest, **_: object) -> AWSResponse:
            seen.append(request.url.split("/")[2])
            return AWSResponse(request.url, 200, HTTPHeaders(), _Answer())

        # Events are the same on all clients, which have no common type.
        client.meta.events.register_last("before-send", answer)  # type: ignore[attr-defined]
        return seen

    return watch


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1", "cn-north-1", "us-gov-west-1"])
def test_without_an_endpoint_requests_go_to_amazon(
    region: str, hosts: Callable[[object], list[str]]
) -> None:
    client = client_for("s3", AwsSettings(region=region))
    seen = hosts(client)

    client.head_object(Bucket="lake", Key="a")

    assert seen[0].startswith("lake.s3.")
    assert ".amazonaws.com" in seen[0]


@pytest.mark.parametrize("bucket", ["lake", "la.ke", "s3.amazonaws.com"])
def test_a_custom_endpoint_is_the_only_host(
    bucket: str, settings: AwsSettings, hosts: Callable[[object], list[str]]
) -> None:
    client = client_for("s3", settings)
    seen = hosts(client)

    client.head_object(Bucket=bucket, Key="//evil.example/a")

    assert seen == ["127.0.0.1:9"]


@pytest.mark.parametrize(
    "url",
    [
        "https://s3.amazonaws.com/lake",
        "http://127.0.0.1.evil.example:9/",
        "http://127.0.0.1:90/",
        "http://evil.example/127.0.0.1:9",
        "http://127.0.0.1:9@evil.example/",
        "http://evil.example\\.127.0.0.1:9/",
    ],
)
def test_a_request_that_leaves_the_endpoint_is_stopped(url: str, settings: AwsSettings) -> None:
    client = client_for("s3", settings)

    def divert(request: AWSPreparedRequest, **_: object) -> None:
        request.url = url

    client.meta.events.register_first("before-send", divert)

    with pytest.raises(ConfigurationError, match="was stopped"):
        client.head_object(Bucket="lake", Key="a")


def test_requests_for_credentials_do_not_leave_the_endpoint_either(
    settings: AwsSettings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """botocore assumes a role with a client of its own, for Amazon's endpoint."""
    (tmp_path / "config").write_text(
        "[profile desk]\nrole_arn = arn:aws:iam::123456789012:role/desk\n"
        "credential_source = Environment\nregion = eu-central-1\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    client = client_for("s3", AwsSettings(**settings.model_dump() | {"profile": "desk"}))

    with pytest.raises(ConfigurationError, match=r"a request to sts\..* was stopped"):
        client.head_object(Bucket="lake", Key="a")


@pytest.mark.parametrize(
    ("service", "operation", "arguments", "answer"),
    [
        (
            "sts",
            "assume_role",
            {"RoleArn": "arn:aws:iam::123456789012:role/desk", "RoleSessionName": "desk"},
            "<A><AssumeRoleResult><SourceIdentity>Planted-47</SourceIdentity></AssumeRoleResult></A>",
        ),
        (
            "sso",
            "get_role_credentials",
            {"roleName": "desk", "accountId": "123456789012", "accessToken": "t"},
            '{"roleCredentials": {"secretAccessKey": "Planted-47"}}',
        ),
        (
            "sso-oidc",
            "create_token",
            {"clientId": "c", "clientSecret": "s", "grantType": "refresh_token"},
            '{"accessToken": "Planted-47"}',
        ),
    ],
    ids=["sts", "sso", "sso-oidc"],
)
def test_answers_with_credentials_are_not_in_the_logs_of_boto3(
    service: str,
    operation: str,
    arguments: dict[str, str],
    answer: str,
    settings: AwsSettings,
    caplog: pytest.LogCaptureFixture,
) -> None:
    client = client_for(service, settings)

    def respond(request: AWSPreparedRequest, **_: object) -> AWSResponse:
        return AWSResponse(request.url, 200, HTTPHeaders(), _Answer(answer))

    client.meta.events.register_last("before-send", respond)
    caplog.set_level(logging.DEBUG)

    shown = str(getattr(client, operation)(**arguments))

    assert "Planted-47" in shown
    assert "Response body" in caplog.text
    assert "Planted-47" not in caplog.text


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_no_proxy_hears_of_an_endpoint_on_this_machine(
    name: str, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = endpoint.replace("127.0.0.1", name)
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        for variable in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(variable, f"http://127.0.0.1:{proxy.getsockname()[1]}")
            monkeypatch.setenv(variable.upper(), f"http://127.0.0.1:{proxy.getsockname()[1]}")
        monkeypatch.delenv("NO_PROXY")
        settings = AwsSettings(
            region="eu-central-1", endpoint_url=url, max_attempts=1, read_timeout_s=5
        )
        client = client_for("secretsmanager", settings)

        with pytest.raises(client.exceptions.ResourceNotFoundException):
            client.get_secret_value(SecretId="absent")

        assert select.select([proxy], [], [], 0)[0] == []


@pytest.mark.parametrize(
    "url", ["https://127.0.0.1.evil.example", "http://10.0.0.1", "http://localhost.example", "x"]
)
def test_a_proxy_is_used_for_other_machines(url: str) -> None:
    # The rule itself: a client would try to reach the machine.
    from tradai.aws._client.endpoints import is_loopback

    assert not is_loopback(url)


@given(NAMES, NAMES)
def test_only_hosts_below_the_endpoint_can_be_reached(own: str, other: str) -> None:
    # The guard itself: a client for each pair of names would take minutes.
    from tradai.aws._client.endpoints import HostGuard

    def passes(host: str) -> bool:
        request = AWSPreparedRequest(
            "GET", f"https://{host}/a", HTTPHeaders(), b"", stream_output=False
        )
        try:
            HostGuard(f"http://{own}/base")(request=request)
        except ConfigurationError:
            return False
        return True

    assert passes(own)
    assert passes(f"{other}.{own}")
    assert not passes(f"{other}{own}")
    assert not passes(f"{other}{own}.example")
    assert passes(other) == (other == own or other.endswith(f".{own}"))


@pytest.mark.parametrize("name", ["upload_file", "download_file", "copy"])
def test_boto3s_transfers_are_disabled_with_a_custom_endpoint(
    name: str, settings: AwsSettings
) -> None:
    transfer = getattr(client_for("s3", settings), name)

    with pytest.raises(ConfigurationError, match="use S3Store"):
        transfer("anything", Bucket="lake")


def test_without_an_endpoint_boto3s_transfers_work() -> None:
    client = client_for("s3", AwsSettings(region="eu-central-1"))

    with pytest.raises(FileNotFoundError):
        client.upload_file("/no/such/file", "lake", "a")


def test_a_forked_child_makes_its_own_client_even_while_the_lock_is_held() -> None:
    program = f"""
import os, threading, tradai.aws
from tradai.aws import AwsSettings, client_for
from tradai.aws._client import client as module
settings = AwsSettings(region="eu-central-1", endpoint_url="{LOOPBACK}")
client = client_for("s3", settings)
module._CLIENTS._lock.acquire()
child = os.fork()
if not child:
    mine = client_for("s3", settings)
    os._exit(0 if mine is not client and mine is client_for("s3", settings) else 1)
_, status = os.waitpid(child, 0)
raise SystemExit(os.waitstatus_to_exitcode(status))
"""
    done = subprocess.run([sys.executable, "-Pc", program], timeout=300, check=False)

    assert done.returncode == 0


@pytest.mark.parametrize("module", ["tradai.aws", "tradai.aws.ecr"])
def test_importing_every_public_name_loads_no_boto3(module: str) -> None:
    program = (
        f"import sys, tradai.aws, {module} as module; "
        "[getattr(module, name) for name in module.__all__]; "
        "tradai.aws.AwsSettings(); "
        "heavy = ('boto', 'docker', 'requests', 'urllib3'); "
        "raise SystemExit(any(name.startswith(heavy) for name in sys.modules))"
    )
    environ = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}

    done = subprocess.run([sys.executable, "-Pc", program], env=environ, check=False)

    assert done.returncode == 0

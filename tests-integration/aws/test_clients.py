"""Clients against servers: the account guard, also when the connection to AWS fails."""

import pytest
from servers.aws import settings_at
from servers.fault_proxy import Fault, FaultProxy

from tradai.aws import AwsSettings, client_for
from tradai.core.exceptions import ConfigurationError

ACCOUNTS = {"localstack": "000000000000", "ministack": "000000000000", "moto": "123456789012"}


def test_the_right_account_passes(settings: AwsSettings, server: str) -> None:
    guarded = AwsSettings(**settings.model_dump() | {"account": ACCOUNTS[server]})

    client = client_for("sts", guarded)

    assert client.get_caller_identity()["Account"] == ACCOUNTS[server]


def test_another_account_is_refused_before_anything_is_sent(settings: AwsSettings) -> None:
    guarded = AwsSettings(**settings.model_dump() | {"account": "999999999999"})

    with pytest.raises(
        ConfigurationError, match="TRADAI_AWS_ACCOUNT allows only 999999999999"
    ) as caught:
        client_for("s3", guarded)

    assert caught.value.key == "TRADAI_AWS_ACCOUNT"


def test_the_account_is_requested_once(proxy: FaultProxy) -> None:
    guarded = settings_at(proxy.url, account=ACCOUNTS["localstack"])

    for service in ("s3", "s3", "secretsmanager", "sts"):
        client_for(service, guarded)
    client_for("s3", guarded).list_buckets()

    assert len(proxy.seen) == 2


def test_an_account_that_cannot_be_read_gives_no_client(proxy: FaultProxy) -> None:
    proxy.plan(Fault(match="POST /", action="drop", times=9))
    guarded = settings_at(proxy.url, account="123456789012", max_attempts=1)

    for _ in range(2):
        with pytest.raises(Exception, match="get_caller_identity"):
            client_for("s3", guarded)

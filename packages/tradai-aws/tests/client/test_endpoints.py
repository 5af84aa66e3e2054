"""A client without a custom endpoint talks to the endpoints of its own service, over TLS."""

import itertools

import boto3
import pytest
from botocore.config import Config

from tradai.aws import AwsSettings, client_for
from tradai.aws._client.endpoints import require_own_endpoint
from tradai.core.exceptions import ConfigurationError

# A client is shared by equal settings, and each case needs a new one.
_TIMEOUTS = itertools.count(100.5)


def _endpoint(service: str) -> str:
    settings = AwsSettings(region="eu-central-1", read_timeout_s=next(_TIMEOUTS))
    # boto3 has no common type of its clients.
    client = client_for(service, settings)
    return str(client.meta.endpoint_url)


@pytest.mark.parametrize(
    ("variable", "service", "url"),
    [
        (variable, service, url)
        for variable, service, urls in [
            (
                "SECRETS_MANAGER",
                "secretsmanager",
                [
                    "https://secretsmanager.eu-central-1.amazonaws.com",
                    "https://secretsmanager.us-gov-west-1.amazonaws.com:443",
                    "https://SecretsManager.eu-central-1.amazonaws.com",
                    "https://secretsmanager-fips.us-east-1.amazonaws.com",
                    "https://secretsmanager.eu-central-1.api.aws",
                    "https://secretsmanager.cn-north-1.amazonaws.com.cn",
                    "https://vpce-0a1b-2c3d.secretsmanager.eu-central-1.vpce.amazonaws.com",
                ],
            ),
            (
                "S3",
                "s3",
                [
                    "https://s3.amazonaws.com",
                    "https://s3.dualstack.eu-central-1.amazonaws.com",
                    "https://bucket.vpce-0a1b-2c3d.s3.eu-central-1.vpce.amazonaws.com",
                ],
            ),
            ("STS", "sts", ["https://sts.amazonaws.com"]),
        ]
        for url in urls
    ],
)
def test_an_endpoint_of_the_service_is_accepted(
    variable: str, service: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"AWS_ENDPOINT_URL_{variable}", url)

    assert _endpoint(service) == url


@pytest.mark.parametrize(
    "url",
    [
        "http://secretsmanager.eu-central-1.amazonaws.com",
        "https://secretsmanager.eu-central-1.amazonaws.com:8443",
        "https://user@secretsmanager.eu-central-1.amazonaws.com",
        "https://s3.eu-central-1.amazonaws.com",
        "https://ec2-198-51-100-7.compute-1.amazonaws.com",
        "https://lb-123.eu-central-1.elb.amazonaws.com",
        "https://secretsmanager.eu-central-1.elb.amazonaws.com",
        "https://abc.execute-api.eu-central-1.amazonaws.com",
        "https://secretsmanager.s3.amazonaws.com",
        "https://secretsmanager.vpce-svc-0a1b.eu-central-1.vpce.amazonaws.com",
        "https://secretsmanager.eu-central-1.amazonaws.com.example",
        "https://secretsmanagerxeu-central-1.amazonaws.com",
        "https://secretsmanager.evil.amazonaws.com",
    ],
)
def test_any_other_server_is_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", url)

    with pytest.raises(ConfigurationError, match="put it into AWS_ENDPOINT_URL") as caught:
        _endpoint("secretsmanager")

    assert url not in str(caught.value)


@pytest.mark.parametrize(
    "service",
    ["s3", "secretsmanager", "sts", "ecs", "ecr", "logs", "dynamodb", "sns", "cloudwatch", "iam"],
)
@pytest.mark.parametrize("region", ["eu-central-1", "us-east-1", "cn-north-1", "us-gov-west-1"])
@pytest.mark.parametrize("is_fips", [False, True])
def test_each_endpoint_that_boto3_chooses_itself_is_accepted(
    service: str, region: str, *, is_fips: bool
) -> None:
    config = Config(use_fips_endpoint=is_fips)
    # boto3's types know literal names of services only.
    client = boto3.client(service, region_name=region, config=config)  # type: ignore[call-overload]

    prefix = client.meta.service_model.endpoint_prefix
    require_own_endpoint(service, prefix, client.meta.endpoint_url)

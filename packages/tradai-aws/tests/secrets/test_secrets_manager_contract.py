"""The conformance suite of secret sources, with boto3's client and with its fake.

Sources that need no service inherit the suite in the tests of tradai-core.
"""

import pytest

from tradai.aws import AwsSettings, SecretsManager, client_for
from tradai.aws.testing import FakeSecretsClient
from tradai.core import SecretSource
from tradai.core.exceptions import ConfigurationError
from tradai.core.testing import SecretSourceContract

VALUE = "fake-trading-value"


class OnAws(SecretSourceContract):
    """The secrets, which are the same for both clients."""

    @pytest.fixture
    def aws(self) -> FakeSecretsClient:
        aws = FakeSecretsClient()
        aws.keep("trading/binance", VALUE)
        aws.keep("trading/empty", " ")
        return aws

    @pytest.fixture
    def known(self) -> tuple[str, str]:
        return "aws-sm:trading/binance", VALUE

    @pytest.fixture
    def missing(self) -> str:
        return "aws-sm:trading/absent"

    @pytest.fixture
    def empty(self) -> str:
        return "aws-sm:trading/empty"


class TestFake(OnAws):
    @pytest.fixture
    def source(self, aws: FakeSecretsClient) -> SecretSource:
        return SecretsManager(client=aws)


class TestBoto3(OnAws):
    @pytest.fixture
    def source(self, endpoint: str) -> SecretSource:
        return SecretsManager(AwsSettings(region="eu-central-1", endpoint_url=endpoint))


@pytest.mark.parametrize(
    "reference", ["trading/binance", "env:NAME", "AWS-SM:trading/binance", " aws-sm:a", ""]
)
def test_a_reference_names_its_scheme(reference: str, secrets: SecretsManager) -> None:
    with pytest.raises(ConfigurationError, match="expected aws-sm:name") as caught:
        secrets.resolve(reference)

    assert caught.value.__context__ is None


def test_direct_users_of_boto3s_client_get_values_unchanged(
    aws: FakeSecretsClient, endpoint: str
) -> None:
    aws.keep("text", "fake-value")
    aws.keep("bytes", b"\x00\xff")
    client = client_for("secretsmanager", AwsSettings(region="eu-central-1", endpoint_url=endpoint))

    text = client.get_secret_value(SecretId="text")
    binary = client.get_secret_value(SecretId="bytes")
    many = client.batch_get_secret_value(SecretIdList=["text", "bytes", "nothing"])

    assert (text["SecretString"], text["Name"]) == ("fake-value", "text")
    assert binary["SecretBinary"] == b"\x00\xff"
    assert [one.get("SecretString") for one in many["SecretValues"]] == ["fake-value", None]
    assert many["SecretValues"][1]["SecretBinary"] == b"\x00\xff"
    assert many["SecretValues"][0]["CreatedDate"] == text["CreatedDate"]
    assert many["Errors"][0]["ErrorCode"] == "ResourceNotFoundException"

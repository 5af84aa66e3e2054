"""`get_secret` and `get_secrets_client`, with the settings of the environment."""

from datetime import UTC, datetime

import pytest
from botocore.stub import Stubber
from pydantic import BaseModel, ConfigDict, SecretStr

from tradai.aws import SecretsManager, client_for, get_secret, get_secrets_client

NAME = "trading/binance"


class Keys(BaseModel):
    model_config = ConfigDict(frozen=True)

    key: SecretStr


@pytest.fixture(autouse=True)
def _place(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Use an endpoint of this test alone: equal settings share their manager."""
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:9/{request.node.name}")


def test_get_secret_reads_from_the_shared_manager() -> None:
    answer = {
        "SecretString": '{"key": "fake-key"}',
        "VersionId": "1" * 32,
        "CreatedDate": datetime(2026, 11, 28, tzinfo=UTC),
    }
    with Stubber(get_secrets_client()) as stub:
        asked = {"SecretId": NAME, "VersionStage": "AWSCURRENT"}
        stub.add_response("get_secret_value", answer, asked)

        assert get_secret(f"{NAME}#key").reveal() == "fake-key"
        assert get_secret(NAME, as_=Keys).reveal().key.get_secret_value() == "fake-key"
        assert get_secret(NAME) is SecretsManager.shared().get(NAME)


def test_get_secrets_client_returns_the_shared_client() -> None:
    assert get_secrets_client() is client_for("secretsmanager")

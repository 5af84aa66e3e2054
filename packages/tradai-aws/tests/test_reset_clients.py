import pytest

from tradai.aws import AwsSettings, SecretsManager, client_for
from tradai.aws.testing import reset_clients


@pytest.fixture(autouse=True)
def _region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "not-a-real-key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-a-real-key")


def test_the_next_use_makes_new_clients_and_a_new_manager() -> None:
    settings = AwsSettings()
    client, manager = client_for("s3", settings), SecretsManager.shared(settings)
    assert client_for("s3", settings) is client
    assert SecretsManager.shared(settings) is manager

    reset_clients()

    assert client_for("s3", settings) is not client
    assert SecretsManager.shared(settings) is not manager


def test_resetting_twice_or_without_clients_is_fine() -> None:
    reset_clients()
    reset_clients()

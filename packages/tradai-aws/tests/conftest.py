"""Tests of tradai.aws never see the machine's own AWS."""

import os
import threading
from collections.abc import Callable

import pytest

from tradai.aws import SecretsManager, SecretsPolicy
from tradai.aws.testing import FakeSecretsClient

# What is registered lasts as long as the process; there is no public way to start anew.
from tradai.core._redaction import _Registry


@pytest.fixture(autouse=True)
def _no_aws_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("AWS_", "TRADAI_")):
            monkeypatch.delenv(name)
    # Nowhere: neither files nor the metadata service of a machine in the cloud.
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "fake-id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "fake-key")


@pytest.fixture(autouse=True)
def _own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have what these tests resolve masked in these tests only."""
    monkeypatch.setattr("tradai.core._redaction._REGISTRY", _Registry())


@pytest.fixture
def aws() -> FakeSecretsClient:
    return FakeSecretsClient()


@pytest.fixture
def secrets(aws: FakeSecretsClient) -> SecretsManager:
    """Fresh for 300 seconds, usable for 900, for 3,600 in an outage; asked again after 5."""
    return SecretsManager(client=aws, clock=aws.clock, policy=SecretsPolicy())


@pytest.fixture
def landed() -> Callable[[], None]:
    """Return when no refresh is under way any more."""

    def join() -> None:
        for thread in threading.enumerate():
            if thread.name == "tradai-secret":
                thread.join()

    return join

"""Batches of secrets: few requests, exact names, an error for each secret."""

import pytest
from pydantic_settings import SettingsConfigDict

from tradai.aws import AwsError, AwsSettings, SecretsManager
from tradai.aws.testing import FakeSecretsClient
from tradai.core import BaseSettings, SecretReference
from tradai.core.exceptions import ConfigurationError, NotFoundError

ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:name-000-AbCdEf"


def _keep(aws: FakeSecretsClient, count: int) -> list[str]:
    names = [f"name-{number:03}" for number in range(count)]
    for name in names:
        aws.keep(name, f"fake-value-of-{name}")
    return names


def _operations(aws: FakeSecretsClient) -> list[str]:
    return [operation for operation, _ in aws.calls]


@pytest.mark.parametrize(("count", "calls"), [(0, 0), (1, 1), (20, 1), (21, 2), (100, 5)])
def test_twenty_secrets_take_one_request(
    count: int, calls: int, aws: FakeSecretsClient, secrets: SecretsManager
) -> None:
    names = _keep(aws, count)

    assert secrets.prefetch(names) == {}

    assert _operations(aws) == ["batch_get_secret_value"] * calls
    assert [secrets.get(name).reveal() for name in names] == [f"fake-value-of-{n}" for n in names]
    assert len(aws.calls) == calls


def test_names_are_exact_and_requested_once(
    aws: FakeSecretsClient, secrets: SecretsManager
) -> None:
    _keep(aws, 2)
    aws.keep("name-000-more", "fake-neighbour")

    secrets.prefetch(["name-000", "aws-sm:name-000", "name-000#key", "name-001"])

    assert aws.calls == [("batch_get_secret_value", {"SecretIdList": ["name-000", "name-001"]})]


@pytest.mark.parametrize("secret_id", [ARN, ARN.removesuffix("-AbCdEf")])
def test_an_arn_can_be_in_a_batch(
    secret_id: str, aws: FakeSecretsClient, secrets: SecretsManager
) -> None:
    _keep(aws, 1)

    assert secrets.prefetch([secret_id]) == {}
    assert secrets.get(secret_id).reveal() == "fake-value-of-name-000"
    assert len(aws.calls) == 1


def test_each_name_has_its_own_error_and_the_others_are_held(
    aws: FakeSecretsClient, secrets: SecretsManager
) -> None:
    _keep(aws, 3)
    aws.keep("binary", b"\x00")
    aws.refusals["name-001"] = "AccessDeniedException"
    aws.refusals["name-002"] = "InternalServiceError"

    failed = secrets.prefetch(["name-000", "name-001", "name-002", "nothing", "binary"])

    assert {name: type(error) for name, error in failed.items()} == {
        "name-001": AwsError,
        "name-002": AwsError,
        "nothing": NotFoundError,
        "binary": ConfigurationError,
    }
    assert [failed[name].retryable for name in ("name-001", "name-002")] == [False, True]
    assert secrets.get("name-000").reveal() == "fake-value-of-name-000"
    assert len(aws.calls) == 1


def test_without_the_permission_for_batches_each_secret_is_requested_alone(
    aws: FakeSecretsClient, secrets: SecretsManager
) -> None:
    names = _keep(aws, 25)
    aws.refusals |= {"batch_get_secret_value": "AccessDeniedException"}

    assert secrets.prefetch([*names, "nothing"]).keys() == {"nothing"}

    assert _operations(aws) == ["batch_get_secret_value"] + ["get_secret_value"] * 26
    assert aws.calls[1] == (
        "get_secret_value",
        {"SecretId": "name-000", "VersionStage": "AWSCURRENT"},
    )


def test_in_an_outage_one_request_fails_for_all_secrets(
    aws: FakeSecretsClient, secrets: SecretsManager
) -> None:
    names = _keep(aws, 30)

    with aws.outage():
        failed = secrets.prefetch(names)

    assert failed.keys() == set(names)
    assert len(aws.calls) == 1
    assert len({id(error) for error in failed.values()}) == 30


def test_another_stage_is_requested_alone(aws: FakeSecretsClient, secrets: SecretsManager) -> None:
    _keep(aws, 1)
    aws.keep("name-000", "fake-newer")

    assert secrets.prefetch(["name-000", "name-000@AWSPREVIOUS"]) == {}

    assert secrets.get("name-000@AWSPREVIOUS").reveal() == "fake-value-of-name-000"
    assert secrets.get("name-000").reveal() == "fake-newer"
    assert _operations(aws) == ["batch_get_secret_value", "get_secret_value"]


def test_a_fresh_secret_is_not_requested(aws: FakeSecretsClient, secrets: SecretsManager) -> None:
    names = _keep(aws, 2)
    secrets.get(names[0])

    secrets.prefetch(names)

    assert aws.calls[1:] == [("batch_get_secret_value", {"SecretIdList": ["name-001"]})]


def test_an_arn_of_another_account_is_left_out_of_the_batch(aws: FakeSecretsClient) -> None:
    _keep(aws, 1)
    secrets = SecretsManager(AwsSettings(account="210987654321"), client=aws)

    failed = secrets.prefetch(["name-000", ARN])

    assert failed.keys() == {ARN}
    assert aws.calls == [("batch_get_secret_value", {"SecretIdList": ["name-000"]})]


class TradeSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="TRADAI_TRADE_")

    exchange: SecretReference
    bot: SecretReference
    others: tuple[SecretReference, ...] = ()
    maximum: int = 5


def test_settings_whose_references_can_all_be_resolved_are_returned(
    aws: FakeSecretsClient, secrets: SecretsManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws.keep("trading/binance", '{"key": "fake-value-1"}')
    monkeypatch.setenv("FAKE_BOT", "fake-bot-value")
    environ = {
        "TRADAI_TRADE_EXCHANGE": "aws-sm:trading/binance#key",
        "TRADAI_TRADE_BOT": "env:FAKE_BOT",
        "TRADAI_TRADE_OTHERS": '["aws-sm:trading/binance"]',
    }

    settings = secrets.check(TradeSettings, environ)

    assert settings == TradeSettings.load(environ=environ)
    assert _operations(aws) == ["batch_get_secret_value"]
    assert secrets.get(settings.exchange).reveal() == "fake-value-1"


def test_all_problems_are_listed_at_once_without_values(
    aws: FakeSecretsClient, secrets: SecretsManager
) -> None:
    aws.keep("trading/binance", '{"key": "fake-value-1"}')
    environ = {
        "TRADAI_TRADE_EXCHANGE": "aws-sm:trading/binance#secret",
        "TRADAI_TRADE_BOT": "env:FAKE_ABSENT",
        "TRADAI_TRADE_OTHERS": '["aws-sm:nothing", "aws-sm:trading/binance@OLD"]',
        "TRADAI_TRADE_MAXIMUM": "many",
    }

    with pytest.raises(ConfigurationError) as caught:
        secrets.check(TradeSettings, environ)

    lines = str(caught.value).splitlines()
    assert lines[0] == "TradeSettings has 5 problems with secrets or settings:"
    for expected in (
        "TRADAI_TRADE_MAXIMUM",
        "TRADAI_TRADE_EXCHANGE: the secret aws-sm:trading/binance has no key secret",
        "TRADAI_TRADE_BOT: there is no secret env:FAKE_ABSENT",
        "TRADAI_TRADE_OTHERS: there is no secret aws-sm:nothing",
        "TRADAI_TRADE_OTHERS: there is no secret aws-sm:trading/binance@OLD",
    ):
        assert sum(expected in line for line in lines) == 1
    assert "fake-value" not in str(caught.value)


def test_without_a_region_all_other_problems_are_listed_too() -> None:
    environ = {
        "TRADAI_TRADE_EXCHANGE": "aws-sm:trading/binance",
        "TRADAI_TRADE_BOT": "env:FAKE_ABSENT",
    }

    with pytest.raises(ConfigurationError) as caught:
        SecretsManager(AwsSettings(read_timeout_s=12)).check(TradeSettings, environ)

    assert "TRADAI_TRADE_EXCHANGE: no AWS region is set" in str(caught.value)
    assert "env:FAKE_ABSENT" in str(caught.value)


def test_a_missing_setting_is_a_problem_too(secrets: SecretsManager) -> None:
    with pytest.raises(ConfigurationError, match="TRADAI_TRADE_BOT"):
        secrets.check(TradeSettings, {"TRADAI_TRADE_EXCHANGE": "aws-sm:nothing"})


def test_by_default_the_environment_of_the_process_is_checked(
    aws: FakeSecretsClient, secrets: SecretsManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws.keep("trading/binance", "fake-value-1")
    for name in ("EXCHANGE", "BOT"):
        monkeypatch.setenv(f"TRADAI_TRADE_{name}", "aws-sm:trading/binance")

    assert secrets.check(TradeSettings).bot == "aws-sm:trading/binance"

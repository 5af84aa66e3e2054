"""Secrets by name, as text, part or model; names and values that are not valid."""

import json
from collections.abc import Callable
from decimal import Decimal

import pytest
from pydantic import BaseModel, ConfigDict, SecretStr

from tradai.aws import AwsError, AwsSettings, HeldSecret, SecretsManager, SecretsPolicy
from tradai.aws.testing import FakeSecretsClient
from tradai.core import Secret, SecretReference, backend_for, resolve_secret
from tradai.core.exceptions import (
    ConfigurationError,
    NotFoundError,
    TradAIError,
    ValidationError,
)

NAME = "trading/binance"
ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:trading/binance-AbCdEf"


class ExchangeKeys(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    key: SecretStr
    secret: SecretStr


KEYS = {"key": "fake-key-1", "secret": "fake-secret-1"}


def test_a_secret_has_its_version_stage_and_age(
    aws: FakeSecretsClient, secrets: SecretsManager
) -> None:
    version_id = aws.keep(NAME, "fake-value")

    secret = secrets.get(NAME)
    aws.clock.advance(7)

    assert secret.reveal() == "fake-value"
    assert (secret.version_id, secret.stage, secret.age_s) == (version_id, "AWSCURRENT", 7)
    assert repr(secret) == f"HeldSecret(***, version {version_id}, AWSCURRENT, 7.0 s old)"
    assert isinstance(secret, Secret)


def test_the_age_counts_from_before_the_request(
    aws: FakeSecretsClient, secrets: SecretsManager
) -> None:
    aws.keep(NAME, "fake-value")
    aws.latency_s = 3

    assert secrets.get(NAME).age_s == 3


def test_a_secret_is_requested_once_and_with_its_stage(
    aws: FakeSecretsClient, secrets: SecretsManager
) -> None:
    aws.keep(NAME, json.dumps(KEYS))

    answers = [
        secrets.get(NAME).reveal(),
        secrets.get(f"aws-sm:{NAME}").reveal(),
        secrets.get(f"{NAME}@AWSCURRENT").reveal(),
        secrets.get(SecretReference(f"aws-sm:{NAME}#key")).reveal(),
        secrets.get(NAME, as_=ExchangeKeys).reveal(),
    ]

    assert len(answers) == 5
    assert aws.calls == [("get_secret_value", {"SecretId": NAME, "VersionStage": "AWSCURRENT"})]


def test_the_same_object_is_returned_again(aws: FakeSecretsClient, secrets: SecretsManager) -> None:
    aws.keep(NAME, json.dumps(KEYS))

    assert secrets.get(NAME) is secrets.get(NAME)
    assert secrets.get(NAME, as_=ExchangeKeys) is secrets.get(NAME, as_=ExchangeKeys)


def test_each_stage_is_held_separately(aws: FakeSecretsClient, secrets: SecretsManager) -> None:
    aws.keep(NAME, "fake-value-1")
    aws.keep(NAME, "fake-value-2")

    values = [secrets.get(f"{NAME}{stage}") for stage in ("@AWSPREVIOUS", "", "@AWSCURRENT")]

    assert [one.reveal() for one in values] == ["fake-value-1", "fake-value-2", "fake-value-2"]
    assert [one.stage for one in values] == ["AWSPREVIOUS", "AWSCURRENT", "AWSCURRENT"]


def test_a_model_with_secret_fields_does_not_show_them(
    aws: FakeSecretsClient, secrets: SecretsManager
) -> None:
    aws.keep(NAME, json.dumps(KEYS))

    keys: HeldSecret[ExchangeKeys] = secrets.get(NAME, as_=ExchangeKeys)

    assert keys.reveal().secret.get_secret_value() == "fake-secret-1"
    assert "fake-secret-1" not in f"{keys} {keys.reveal()!r}"


def test_a_model_may_be_a_part_of_a_secret(aws: FakeSecretsClient, secrets: SecretsManager) -> None:
    aws.keep(NAME, json.dumps({"spot": {"main": KEYS}}))

    keys = secrets.get(f"{NAME}#spot.main", as_=ExchangeKeys)

    assert keys.reveal().key.get_secret_value() == "fake-key-1"


@pytest.mark.parametrize("secret_id", [ARN, ARN.removesuffix("-AbCdEf")])
def test_an_arn_may_replace_the_name(
    secret_id: str, aws: FakeSecretsClient, secrets: SecretsManager
) -> None:
    aws.keep(NAME, "fake-value")

    assert secrets.get(secret_id).reveal() == "fake-value"


class Loose(BaseModel):
    key: str


@pytest.mark.parametrize("kind", [Loose, dict, list, int, Decimal])
def test_a_mutable_type_is_refused(
    kind: type[object], aws: FakeSecretsClient, secrets: SecretsManager
) -> None:
    aws.keep(NAME, json.dumps(KEYS))

    with pytest.raises(ValidationError, match="frozen=True"):
        secrets.get(NAME, as_=kind)

    assert aws.calls == []


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "#key",
        "@AWSCURRENT",
        "a b",
        "a#",
        "a#.b",
        "a@",
        "a@b@c",
        "a\n",
        "env:TOKEN",
        "file:/run/secret",
        "aws-sm:",
        "x" * 513,
        "arn:aws:s3:::lake",
        "arn:aws:secretsmanager:eu-central-1:123456789012:rotation:x",
        "arn:secretsmanager",
    ],
)
def test_a_name_that_is_not_valid_is_refused_without_being_shown(
    name: str, aws: FakeSecretsClient, secrets: SecretsManager
) -> None:
    with pytest.raises(ValidationError, match="expected the name or ARN") as caught:
        secrets.get(name)

    assert caught.value.__context__ is None
    assert aws.calls == []


@pytest.mark.parametrize(
    ("stored", "name", "problem"),
    [
        (b"\x00\x01", NAME, "is binary"),
        (" \n", NAME, "is empty"),
        ("fake-value", f"{NAME}#key", "is not JSON"),
        (json.dumps({"key": 5}), f"{NAME}#key", "is not text"),
        (json.dumps({"key": " "}), f"{NAME}#key", "is not text"),
    ],
)
def test_a_value_of_the_wrong_form_is_refused_without_being_shown(
    stored: str | bytes, name: str, problem: str, aws: FakeSecretsClient, secrets: SecretsManager
) -> None:
    aws.keep(NAME, stored)

    with pytest.raises(ConfigurationError, match=problem) as caught:
        secrets.get(name)

    assert NAME in str(caught.value)
    assert "fake-value" not in str(caught.value)


@pytest.mark.parametrize(
    "stored",
    ["fake-value", "[]", json.dumps({"key": "fake-value"}), json.dumps({**KEYS, "more": 1})],
)
def test_a_value_that_does_not_match_the_model_is_refused_without_being_shown(
    stored: str, aws: FakeSecretsClient, secrets: SecretsManager
) -> None:
    aws.keep(NAME, stored)

    with pytest.raises(ConfigurationError) as caught:
        secrets.get(NAME, as_=ExchangeKeys)

    assert "fake-value" not in f"{caught.value!r} {caught.value.__context__!r}"


def test_a_missing_key_is_not_found(aws: FakeSecretsClient, secrets: SecretsManager) -> None:
    aws.keep(NAME, json.dumps(KEYS))

    with pytest.raises(NotFoundError, match="has no key password"):
        secrets.get(f"{NAME}#password")


@pytest.mark.parametrize("name", ["nothing", "trading/binance@AWSPENDING"])
def test_a_missing_secret_or_stage_is_not_found(
    name: str, aws: FakeSecretsClient, secrets: SecretsManager
) -> None:
    aws.keep(NAME, "fake-value")

    with pytest.raises(NotFoundError, match="check its name") as caught:
        secrets.get(name)

    assert (caught.value.kind, caught.value.key) == ("secret", f"aws-sm:{name}")


@pytest.mark.parametrize(
    ("reason", "advice"),
    [
        ("AccessDeniedException", "grant it the permission"),
        ("DecryptionFailure", "grant kms:Decrypt"),
        ("ExpiredTokenException", "sign in again"),
        ("ThrottlingException", "slow down"),
        ("InternalServiceError", "try again later"),
    ],
)
def test_a_refusal_says_what_to_do(
    reason: str, advice: str, aws: FakeSecretsClient, secrets: SecretsManager
) -> None:
    aws.keep(NAME, "fake-value")
    aws.fail(reason)

    with pytest.raises(AwsError, match=advice) as caught:
        secrets.get(NAME)

    assert (caught.value.reason, caught.value.service) == (reason, "secretsmanager")
    assert caught.value.__cause__ is caught.value.__context__ is None


def test_the_region_has_no_default() -> None:
    with pytest.raises(ConfigurationError, match="set AWS_REGION"):
        SecretsManager(AwsSettings(read_timeout_s=13)).get(NAME)


def test_an_arn_of_another_account_is_not_requested(aws: FakeSecretsClient) -> None:
    secrets = SecretsManager(AwsSettings(account="210987654321"), client=aws)

    with pytest.raises(ConfigurationError, match="TRADAI_AWS_ACCOUNT"):
        secrets.get(ARN)

    assert aws.calls == []


@pytest.mark.parametrize(
    ("arn", "problem"),
    [
        (ARN.replace("arn:aws:", "arn:aws-cn:"), "is in partition aws-cn"),
        (ARN.replace("eu-central-1", "us-east-1"), "is in us-east-1"),
    ],
)
def test_an_arn_of_another_partition_or_region_is_refused(arn: str, problem: str) -> None:
    secrets = SecretsManager(AwsSettings(region="eu-central-1"))

    with pytest.raises(ConfigurationError, match=problem):
        secrets.get(arn)


def test_an_unexpected_error_of_the_client_becomes_one_of_ours() -> None:
    class Broken:
        def __getattr__(self, name: str) -> Callable[..., object]:
            raise OSError(name)

    # Wrong on purpose.
    broken = SecretsManager(client=Broken())  # type: ignore[arg-type]

    with pytest.raises(AwsError, match="OSError"):
        broken.get(NAME)


def test_no_more_secrets_are_held_than_the_policy_allows(aws: FakeSecretsClient) -> None:
    secrets = SecretsManager(client=aws, clock=aws.clock, policy=SecretsPolicy(most=3))
    for number in range(5):
        aws.keep(f"name-{number}", f"fake-value-{number}")

    for number in (0, 1, 2, 3, 4):
        secrets.get(f"name-{number}")

    assert [one.reference for one in secrets.states()] == [
        "aws-sm:name-2",
        "aws-sm:name-3",
        "aws-sm:name-4",
    ]


@pytest.mark.parametrize(
    "times",
    [
        {"fresh_s": 0.0},
        {"fresh_s": 901.0},
        {"usable_s": 3601.0},
        {"retry_s": 10.1},
        {"retry_s": -1.0},
        {"most": 0},
        {"fresh_s": float("nan")},
    ],
)
def test_a_policy_with_limits_out_of_order_is_refused(times: dict[str, float]) -> None:
    with pytest.raises(ValidationError, match="fresh_s <= usable_s"):
        # Each is a field.
        SecretsPolicy(**times)  # type: ignore[arg-type]


def test_managers_do_not_share_held_secrets(aws: FakeSecretsClient) -> None:
    other = FakeSecretsClient()
    aws.keep(NAME, "fake-value-1")
    other.keep(NAME, "fake-value-2")

    values = [SecretsManager(client=one).get(NAME).reveal() for one in (aws, other)]

    assert values == ["fake-value-1", "fake-value-2"]


def test_only_equal_settings_share_a_manager(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    wanted = AwsSettings(region="eu-west-1")

    assert SecretsManager.shared() is SecretsManager.shared(wanted)
    assert SecretsManager.shared() is not SecretsManager.shared(AwsSettings(region="eu-west-2"))
    assert SecretsManager.shared() is not SecretsManager.shared(
        AwsSettings(region="eu-west-1", account="123456789012")
    )


def test_references_are_resolved_by_the_installed_entry_point(
    aws: FakeSecretsClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-west-3")
    aws.keep(NAME, json.dumps(KEYS))
    # The shared manager asks boto3, which would leave this machine.
    monkeypatch.setattr("tradai.aws._secrets.secrets_manager.boto3_client", lambda _: aws)

    reference = SecretReference(f"aws-sm:{NAME}#secret")

    assert resolve_secret(reference).reveal() == "fake-secret-1"
    assert backend_for("tradai.secrets", reference) is SecretsManager.shared()


def test_every_error_is_one_of_ours_without_a_cause(
    aws: FakeSecretsClient, secrets: SecretsManager
) -> None:
    with aws.outage(), pytest.raises(TradAIError) as caught:
        secrets.get(NAME)

    assert caught.value.retryable
    assert caught.value.__cause__ is caught.value.__context__ is None
    assert caught.value.__notes__ == ["caused by botocore.exceptions.EndpointConnectionError"]

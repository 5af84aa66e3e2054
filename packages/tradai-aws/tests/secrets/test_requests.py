"""Requests to Secrets Manager, compared by boto3's own stub."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.stub import Stubber

from tradai.aws import AwsError, AwsSettings, SecretsEditor, SecretsManager, client_for
from tradai.core import Secret
from tradai.core.exceptions import NotFoundError

NAME = "trading/binance"
ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:trading/binance-AbCdEf"
OLD = "11111111-1111-1111-1111-111111111111"
NEW = "22222222-2222-2222-2222-222222222222"
MADE = datetime(2026, 11, 28, 9, tzinfo=UTC)
SETTINGS = AwsSettings(region="eu-central-1")


@pytest.fixture
def stub() -> Iterator[Stubber]:
    with Stubber(client_for("secretsmanager", SETTINGS)) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


@pytest.fixture
def secrets() -> SecretsManager:
    return SecretsManager(SETTINGS)


@pytest.fixture
def editor() -> SecretsEditor:
    return SecretsEditor(SETTINGS)


def _value(**more: object) -> dict[str, Any]:
    facts = {"ARN": ARN, "Name": NAME, "VersionId": NEW, "CreatedDate": MADE}
    return {**facts, "SecretString": "fake-value", "VersionStages": ["AWSCURRENT"], **more}


@pytest.mark.parametrize("stage", ["AWSCURRENT", "AWSPREVIOUS", "AWSPENDING", "mine"])
def test_a_read_is_one_request_that_names_the_stage(
    stage: str, stub: Stubber, secrets: SecretsManager
) -> None:
    asked = {"SecretId": NAME, "VersionStage": stage}
    stub.add_response("get_secret_value", _value(), asked)

    secret = secrets.get(f"{NAME}@{stage}")

    assert (secret.reveal(), secret.version_id, secret.stage) == ("fake-value", NEW, stage)


def test_an_arn_is_sent_unchanged(stub: Stubber, secrets: SecretsManager) -> None:
    asked = {"SecretId": ARN, "VersionStage": "AWSCURRENT"}
    stub.add_response("get_secret_value", _value(), asked)

    assert secrets.get(ARN).reveal() == "fake-value"


def test_a_batch_names_the_secrets_exactly_and_follows_pages(
    stub: Stubber, secrets: SecretsManager
) -> None:
    names = [NAME, "nothing", "denied"]
    denied = {"SecretId": "denied", "ErrorCode": "AccessDeniedException", "Message": "no"}
    first = {"SecretValues": [], "Errors": [denied], "NextToken": "more"}
    stub.add_response("batch_get_secret_value", first, {"SecretIdList": names})
    second = {
        "SecretValues": [_value()],
        "Errors": [
            {"SecretId": "nothing", "ErrorCode": "ResourceNotFoundException", "Message": "no"}
        ],
    }
    stub.add_response(
        "batch_get_secret_value", second, {"SecretIdList": names, "NextToken": "more"}
    )

    failed = secrets.prefetch(names)

    assert {name: type(error) for name, error in failed.items()} == {
        "nothing": NotFoundError,
        "denied": AwsError,
    }
    assert secrets.get(NAME).reveal() == "fake-value"


def test_a_secret_that_a_batch_leaves_out_is_requested_alone(
    stub: Stubber, secrets: SecretsManager
) -> None:
    silent: dict[str, Any] = {"SecretValues": [_value(Name="trading/binance-2", ARN=f"{ARN}x")]}
    stub.add_response("batch_get_secret_value", silent, {"SecretIdList": [NAME]})
    asked = {"SecretId": NAME, "VersionStage": "AWSCURRENT"}
    stub.add_response("get_secret_value", _value(), asked)

    assert secrets.prefetch([NAME]) == {}


def test_a_refusal_keeps_the_error_code_and_the_request_id(
    stub: Stubber, secrets: SecretsManager
) -> None:
    facts = {"RequestId": "REQ-1"}
    stub.add_client_error(
        "get_secret_value", "DecryptionFailure", "said AWS", 400, response_meta=facts
    )

    with pytest.raises(AwsError, match="grant kms:Decrypt") as caught:
        secrets.get(NAME)

    assert (caught.value.reason, caught.value.request_id) == ("DecryptionFailure", "REQ-1")
    assert f"aws-sm:{NAME}" in str(caught.value)


def test_creating_sends_name_and_value(stub: Stubber, editor: SecretsEditor) -> None:
    answer = {"ARN": ARN, "Name": NAME, "VersionId": NEW}
    asked = {"Name": NAME, "SecretString": "fake-value"}
    stub.add_response("create_secret", answer, asked)

    assert editor.create(NAME, Secret("fake-value")) == NEW


def test_replacing_names_the_stage(stub: Stubber, editor: SecretsEditor) -> None:
    answer = {"ARN": ARN, "Name": NAME, "VersionId": NEW}
    asked = {"SecretId": NAME, "SecretString": "fake-value", "VersionStages": ["AWSPENDING"]}
    stub.add_response("put_secret_value", answer, asked)

    assert editor.put(NAME, Secret("fake-value"), stage="AWSPENDING") == NEW


def test_a_stage_is_moved_from_the_version_that_has_it(
    stub: Stubber, editor: SecretsEditor
) -> None:
    asked = {"SecretId": NAME, "VersionStage": "AWSCURRENT"}
    stub.add_response("get_secret_value", _value(VersionId=OLD), asked)
    moved = {**asked, "RemoveFromVersionId": OLD, "MoveToVersionId": NEW}
    stub.add_response("update_secret_version_stage", {"ARN": ARN, "Name": NAME}, moved)

    editor.move_stage(NAME, NEW)


def test_a_deletion_names_its_recovery_window(stub: Stubber, editor: SecretsEditor) -> None:
    answer = {"ARN": ARN, "Name": NAME, "DeletionDate": MADE}
    asked = {"SecretId": NAME, "RecoveryWindowInDays": 30}
    stub.add_response("delete_secret", answer, asked)

    assert editor.delete(NAME) == MADE

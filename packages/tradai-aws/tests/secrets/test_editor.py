"""Writing secrets: whole, within AWS's limit, and so that each change can be undone."""

from datetime import UTC, datetime

import pytest

from tradai.aws import AwsError, SecretsEditor, SecretsManager
from tradai.aws.testing import FakeSecretsClient
from tradai.core import Secret
from tradai.core.exceptions import ConflictError, NotFoundError, ValidationError

NAME = "trading/binance"
LARGEST = 65_536


@pytest.fixture
def editor(aws: FakeSecretsClient) -> SecretsEditor:
    return SecretsEditor(client=aws)


def test_a_created_and_replaced_secret_is_read_with_its_version(
    editor: SecretsEditor, secrets: SecretsManager
) -> None:
    first = editor.create(NAME, Secret("fake-value-1"))
    second = editor.put(NAME, Secret("fake-value-2"))

    assert secrets.get(NAME).version_id == second
    assert secrets.get(f"{NAME}@AWSPREVIOUS").version_id == first


def test_a_pending_version_is_current_once_its_stage_is_moved_and_can_be_rolled_back(
    editor: SecretsEditor, aws: FakeSecretsClient, secrets: SecretsManager
) -> None:
    first = editor.create(NAME, Secret("fake-value-1"))
    pending = editor.put(NAME, Secret("fake-value-2"), stage="AWSPENDING")
    assert secrets.get(NAME).version_id == first

    editor.move_stage(NAME, pending)
    aws.clock.advance(900)
    assert secrets.get(NAME).version_id == pending

    editor.move_stage(NAME, first)
    aws.clock.advance(900)
    assert secrets.get(NAME).version_id == first


def test_a_deleted_secret_can_be_restored_within_the_recovery_window(
    editor: SecretsEditor, secrets: SecretsManager
) -> None:
    editor.create(NAME, Secret("fake-value-1"))

    assert editor.delete(NAME, recovery_days=7) == datetime(2025, 1, 8, tzinfo=UTC)

    with pytest.raises(AwsError, match="restore it"):
        secrets.get(NAME)


@pytest.mark.parametrize("days", [0, 6, 31, -1])
def test_a_recovery_window_outside_of_the_limits_is_refused(
    days: int, editor: SecretsEditor, aws: FakeSecretsClient
) -> None:
    with pytest.raises(ValidationError, match="7 to 30 days"):
        editor.delete(NAME, recovery_days=days)

    assert aws.calls == []


@pytest.mark.parametrize("text", ["x" * LARGEST, "é" * (LARGEST // 2)])
def test_a_value_of_64_kib_is_written(
    text: str, editor: SecretsEditor, secrets: SecretsManager
) -> None:
    editor.create(NAME, Secret(text))

    assert secrets.get(NAME).reveal() == text


@pytest.mark.parametrize("text", ["x" * (LARGEST + 1), "é" * (LARGEST // 2) + "x"])
def test_a_value_of_one_byte_more_is_refused_before_anything_is_sent(
    text: str, editor: SecretsEditor, aws: FakeSecretsClient
) -> None:
    for write in (editor.create, editor.put):
        with pytest.raises(ValidationError, match="65537 bytes: expected at most 65536"):
            write(NAME, Secret(text))

    assert aws.calls == []


@pytest.mark.parametrize("name", ["", "a b", f"{NAME}#key", f"{NAME}@AWSPREVIOUS", "env:A"])
def test_only_a_whole_secret_can_be_written(
    name: str, editor: SecretsEditor, aws: FakeSecretsClient
) -> None:
    with pytest.raises(ValidationError, match="expected the name or ARN"):
        editor.put(name, Secret("fake-value"))

    assert aws.calls == []


def test_a_secret_is_not_created_twice(editor: SecretsEditor) -> None:
    editor.create(NAME, Secret("fake-value-1"))

    with pytest.raises(ConflictError, match="put a new version") as caught:
        editor.create(NAME, Secret("fake-value-2"))

    assert caught.value.__context__ is None


def test_a_missing_secret_cannot_be_changed(editor: SecretsEditor) -> None:
    for change in (
        lambda: editor.put(NAME, Secret("fake-value")),
        lambda: editor.move_stage(NAME, "1" * 32),
        lambda: editor.delete(NAME),
    ):
        with pytest.raises(NotFoundError):
            change()

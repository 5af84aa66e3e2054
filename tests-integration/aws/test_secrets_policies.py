"""The policies for secrets allow exactly the calls that the clients make."""

import json
import re
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from servers.aws import settings_at

from tradai.aws import AwsSettings, SecretsEditor, SecretsManager, client_for
from tradai.core import Secret

# https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecretsmanager.html
RIGHTS = {
    "BatchGetSecretValue": {"BatchGetSecretValue", "GetSecretValue"},
    "CreateSecret": {"CreateSecret"},
    "DeleteSecret": {"DeleteSecret"},
    "GetSecretValue": {"GetSecretValue"},
    "PutSecretValue": {"PutSecretValue"},
    "UpdateSecretVersionStage": {"UpdateSecretVersionStage"},
}
# The only right that AWS does not limit to secrets.
UNLIMITED = "secretsmanager:BatchGetSecretValue"

Needed: TypeAlias = Callable[[Callable[[], object]], set[str]]


def _policies(root: Path) -> dict[str, list[dict[str, Any]]]:
    page = (root / "docs" / "how-to" / "limit-rights.md").read_text()
    policies = re.findall(r"## Policy: (\w+)\n\n```json\n(.*?)\n```", page, re.DOTALL)
    return {name: json.loads(policy)["Statement"] for name, policy in policies}


def _policy(root: Path, name: str) -> set[str]:
    return {right for statement in _policies(root)[name] for right in statement["Action"]}


@pytest.fixture
def settings(localstack: str) -> AwsSettings:
    return settings_at(localstack)


@pytest.fixture
def secrets(settings: AwsSettings) -> SecretsManager:
    return SecretsManager(settings)


@pytest.fixture
def editor(settings: AwsSettings) -> SecretsEditor:
    return SecretsEditor(settings)


@pytest.fixture
def name(editor: SecretsEditor) -> str:
    """Name of an existing secret."""
    name = f"desk/{uuid.uuid4().hex[:12]}"
    editor.create(name, Secret("fake-value"))
    return name


@pytest.fixture
def needed(settings: AwsSettings) -> Needed:
    """Call a function and return the rights that its requests need."""

    def watch(act: Callable[[], object]) -> set[str]:
        rights: set[str] = set()

        def note(model: Any, **_: object) -> None:
            rights.update(f"secretsmanager:{right}" for right in RIGHTS[model.name])

        events = client_for("secretsmanager", settings).meta.events
        events.register("before-call.secrets-manager", note)
        try:
            act()
        finally:
            events.unregister("before-call.secrets-manager", note)
        return rights

    return watch


def test_reading(secrets: SecretsManager, name: str, needed: Needed, root: Path) -> None:
    def read() -> None:
        held = secrets.get(name)
        secrets.report_auth_failure(held.version_id)

    assert needed(read) == _policy(root, "read")


def test_prefetching(secrets: SecretsManager, name: str, needed: Needed, root: Path) -> None:
    assert needed(lambda: secrets.prefetch([name])) == _policy(root, "prefetch")


def test_creating(editor: SecretsEditor, name: str, needed: Needed, root: Path) -> None:
    rights = needed(lambda: editor.create(f"{name}/new", Secret("fake-value")))

    assert rights == _policy(root, "create")


def test_rotating(editor: SecretsEditor, name: str, needed: Needed, root: Path) -> None:
    def rotate() -> None:
        new = editor.put(name, Secret("fake-new"), stage="AWSPENDING")
        editor.move_stage(name, new)

    assert needed(rotate) == _policy(root, "rotate")


def test_deleting(editor: SecretsEditor, name: str, needed: Needed, root: Path) -> None:
    assert needed(lambda: editor.delete(name)) == _policy(root, "delete")


def test_every_policy_is_limited_to_secrets_where_aws_allows_it(root: Path) -> None:
    statements = [statement for policy in _policies(root).values() for statement in policy]

    assert len(statements) == 6
    for statement in statements:
        is_limited = statement["Resource"].startswith(
            "arn:aws:secretsmanager:eu-central-1:123456789012:"
        )
        assert is_limited or (statement["Action"], statement["Resource"]) == ([UNLIMITED], "*")

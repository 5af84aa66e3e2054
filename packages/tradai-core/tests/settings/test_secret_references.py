"""References in one variable: `env:NAME` is found where it says, unless the variable is set."""

import json
from pathlib import Path

import pytest

from tradai.core import (
    EnvironmentSecrets,
    SecretReference,
    SecretReferenceSettings,
    resolve_secret,
)
from tradai.core.exceptions import ConfigurationError, NotFoundError

VARIABLE = "TRADAI_SECRET_REFERENCES"
API_KEY = SecretReference("env:DESK_API_KEY")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text('{"api": {"key": "fake-value"}}')
    path.chmod(0o600)
    return path


def test_the_settings_have_the_variable_that_messages_name() -> None:
    assert SecretReferenceSettings.variables() == (VARIABLE,)


def test_a_variable_that_is_not_set_is_found_by_its_reference(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, json.dumps({"DESK_API_KEY": f"file:{file}#api.key"}))

    assert resolve_secret(API_KEY).reveal() == "fake-value"


def test_the_key_of_a_reference_is_taken_after_that_of_its_place(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, json.dumps({"DESK_API_KEY": f"file:{file}"}))

    assert resolve_secret(SecretReference(f"{API_KEY}#api.key")).reveal() == "fake-value"


def test_a_variable_that_is_set_counts(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, json.dumps({"DESK_API_KEY": f"file:{file}"}))
    monkeypatch.setenv("DESK_API_KEY", "fake-other")

    assert resolve_secret(API_KEY).reveal() == "fake-other"


def test_the_value_is_never_put_into_the_environment(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, json.dumps({"DESK_API_KEY": f"file:{file}"}))
    source = EnvironmentSecrets({}, references={"DESK_API_KEY": SecretReference(f"file:{file}")})

    assert "fake-value" in source.resolve(API_KEY).reveal()
    with pytest.raises(NotFoundError, match="DESK_API_KEY"):
        EnvironmentSecrets().resolve(API_KEY)


def test_a_name_without_a_reference_is_not_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, json.dumps({"OTHER": "file:/run/secrets/key"}))

    with pytest.raises(NotFoundError, match="set the environment variable DESK_API_KEY"):
        resolve_secret(API_KEY)


@pytest.mark.parametrize(
    "text", ["fake-value", "[]", '{"DESK_API_KEY": "fake-value"}', '{"DESK_API_KEY": "env:OTHER"}']
)
def test_anything_but_references_to_elsewhere_is_refused_and_not_quoted(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, text)

    with pytest.raises(ConfigurationError, match=VARIABLE) as caught:
        resolve_secret(API_KEY)

    assert "fake-value" not in str(caught.value)

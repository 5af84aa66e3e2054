"""Shared secret files are named in the environment."""

from pathlib import Path

import pytest

from tradai.core import SecretFileSettings, SecretReference, resolve_secret
from tradai.core.exceptions import ConfigurationError


@pytest.fixture
def reference(tmp_path: Path) -> SecretReference:
    path = tmp_path / "token"
    path.write_text("fake-shared-value")
    path.chmod(0o644)
    return SecretReference(f"file:{path}")


def test_the_installed_source_reads_a_file_that_the_environment_names(
    reference: SecretReference, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRADAI_SECRET_SHARED_FILES", f'["{reference.name}"]')

    assert resolve_secret(reference).reveal() == "fake-shared-value"


def test_without_a_name_in_the_environment_the_file_is_refused(
    reference: SecretReference, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TRADAI_SECRET_SHARED_FILES", raising=False)

    with pytest.raises(ConfigurationError, match="name it in TRADAI_SECRET_SHARED_FILES"):
        resolve_secret(reference)
    assert SecretFileSettings.variables() == ("TRADAI_SECRET_SHARED_FILES",)

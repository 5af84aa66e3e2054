"""Schemes of secret references: a plugin's scheme counts wherever a built-in one does."""

from pathlib import Path

import pytest
from pydantic_settings import SettingsConfigDict

from tradai.core import (
    BaseSettings,
    SecretReference,
    StrategyConfig,
    StrategyConfigLoader,
    resolve_secret,
)
from tradai.core.exceptions import ConfigurationError, ValidationError

REFERENCE = "vault:kv/binance#api.key@3"
PLUGIN = """\
from tradai.core import Secret

class VaultSecrets:
    @classmethod
    def for_uri(cls, uri):
        return cls()

    def resolve(self, reference):
        return Secret('{"api": {"key": "fake value of ' + reference + '"}}')
"""
STRATEGY = f"""\
name: trend
version: 1.0.0
timeframe: 5m
exchange_account:
  api_key: {REFERENCE}
"""


class Desk(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="TRADAI_DESK_")

    api_key: SecretReference


@pytest.fixture
def vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install a distribution that serves ``vault:``."""
    site = tmp_path / "site"
    info = site / "desk_vault-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: desk-vault\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[tradai.secrets]\nvault = desk_vault:VaultSecrets.for_uri\n"
    )
    (site / "desk_vault.py").write_text(PLUGIN)
    monkeypatch.syspath_prepend(site)


@pytest.mark.usefixtures("vault")
def test_a_reference_of_a_plugin_has_parts_and_is_resolved_by_it() -> None:
    reference = SecretReference(REFERENCE)

    assert (reference.name, reference.key, reference.stage) == ("kv/binance", "api.key", "3")
    assert resolve_secret(reference).reveal() == "fake value of vault:kv/binance@3"


@pytest.mark.usefixtures("vault")
def test_a_reference_of_a_plugin_is_valid_and_shown_in_settings() -> None:
    environ = {"TRADAI_DESK_API_KEY": REFERENCE}

    assert Desk.load(environ=environ).api_key == REFERENCE
    assert [origin.value for origin in Desk.explain(environ)] == [REFERENCE]


@pytest.mark.usefixtures("vault")
def test_a_reference_of_a_plugin_is_valid_in_a_strategy_configuration(tmp_path: Path) -> None:
    file = tmp_path / "trend.yaml"
    file.write_text(STRATEGY)

    config = StrategyConfigLoader(environ={}).load_config(file).config

    assert config.model_extra["exchange_account"] == {"api_key": REFERENCE}
    assert StrategyConfig.model_validate(config.canonical()) == config


def test_without_its_plugin_a_reference_is_refused_as_a_likely_secret(tmp_path: Path) -> None:
    file = tmp_path / "trend.yaml"
    file.write_text(STRATEGY)

    with pytest.raises(ValidationError, match="expected a reference to a secret"):
        SecretReference(REFERENCE)
    with pytest.raises(ConfigurationError, match="api_key: looks like a secret"):
        StrategyConfigLoader(environ={}).load_config(file)


@pytest.mark.usefixtures("vault")
def test_a_plugin_does_not_make_other_schemes_or_plain_secrets_valid(tmp_path: Path) -> None:
    file = tmp_path / "trend.yaml"

    for text in ("safe:kv/binance", "vault", "'vault:'", "'vault:kv binance'"):
        file.write_text(STRATEGY.replace(REFERENCE, text))
        with pytest.raises(ConfigurationError, match="api_key: looks like a secret"):
            StrategyConfigLoader(environ={}).load_config(file)


@pytest.mark.usefixtures("vault")
def test_a_secret_behind_the_scheme_of_a_plugin_is_still_refused(tmp_path: Path) -> None:
    file = tmp_path / "trend.yaml"
    file.write_text(STRATEGY.replace(REFERENCE, "vault:AKIAIOSFODNN7EXAMPLE"))

    with pytest.raises(ConfigurationError, match="api_key: looks like a secret"):
        StrategyConfigLoader(environ={}).load_config(file)

from pathlib import Path

import pytest

from tradai.core import Timeframe
from tradai.core.exceptions import ConfigurationError
from tradai.mlflow import ModelSettings


def test_no_stale_answer_is_allowed_and_no_lease_is_held_unless_asked_for() -> None:
    settings = ModelSettings()

    assert settings.max_stale is None
    assert settings.lease_of("trend") is None


def test_settings_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADAI_MODEL_MAX_STALE", "12h")
    monkeypatch.setenv("TRADAI_MODEL_CACHE", "/srv/models")

    settings = ModelSettings()

    assert settings.max_stale == Timeframe("12h")
    assert settings.cache_folder() == Path("/srv/models")


def test_the_cache_is_in_the_cache_folder_of_the_user() -> None:
    folder = ModelSettings().cache_folder({"XDG_CACHE_HOME": "/home/ada/.cache"})

    assert folder == Path("/home/ada/.cache/tradai/models")


@pytest.mark.parametrize("text", ["0h", "soon", "-1h"])
def test_an_age_that_is_none_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADAI_MODEL_MAX_STALE", text)

    with pytest.raises(ConfigurationError, match="TRADAI_MODEL_MAX_STALE"):
        ModelSettings()


@pytest.mark.parametrize("place", ["redis://127.0.0.1:6379/0", "file:/srv/leases/"])
def test_every_model_has_a_lease_of_its_own_in_any_place(place: str) -> None:
    settings = ModelSettings(leases=place)
    names = ["trend", "Trend", "trend 1", "trend-1", "100%2F it's @ \N{EURO SIGN}", "x" * 200]

    leases = [settings.lease_of(name) for name in names]

    found = [lease.name for lease in leases if lease is not None]
    assert len(set(found)) == len(names)
    assert all(name.startswith(place.rstrip("/") + "/model-") for name in found)

"""The cache is in the user's cache folder unless a setting says otherwise."""

from pathlib import Path

import pytest

from tradai.core.exceptions import ConfigurationError
from tradai.entrypoint import InputSettings


def test_the_cache_is_in_the_cache_folder_of_the_user(tmp_path: Path) -> None:
    environ = {"XDG_CACHE_HOME": str(tmp_path)}

    assert InputSettings().cache_folder(environ) == tmp_path / "tradai"


@pytest.mark.parametrize("environ", [{}, {"XDG_CACHE_HOME": ""}, {"XDG_CACHE_HOME": "relative"}])
def test_without_one_it_is_in_the_home_folder(
    environ: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))

    assert InputSettings().cache_folder(environ) == tmp_path / ".cache" / "tradai"


def test_a_setting_names_another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADAI_INPUT_CACHE", str(tmp_path / "here"))

    assert InputSettings().cache_folder({"XDG_CACHE_HOME": "/x"}) == tmp_path / "here"


def test_a_user_without_a_home_must_name_a_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_home() -> Path:
        message = "Could not determine home directory."
        raise RuntimeError(message)

    monkeypatch.setattr(Path, "home", no_home)

    with pytest.raises(ConfigurationError, match="set TRADAI_INPUT_CACHE"):
        InputSettings().cache_folder({})


@pytest.mark.parametrize(
    ("name", "value"), [("READS", "0"), ("READS", "65"), ("CACHE_BYTES", "-1"), ("READS", "x")]
)
def test_bounds_are_checked(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"TRADAI_INPUT_{name}", value)

    with pytest.raises(ConfigurationError, match=f"TRADAI_INPUT_{name}"):
        InputSettings()

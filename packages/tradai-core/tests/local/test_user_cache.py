from pathlib import Path

import pytest

from tradai.core import user_cache_folder
from tradai.core.exceptions import ConfigurationError


def test_the_folder_is_in_the_one_that_the_desktop_names() -> None:
    folder = user_cache_folder(variable="TRADAI_X", environ={"XDG_CACHE_HOME": "/var/cache/ada"})

    assert folder == Path("/var/cache/ada/tradai")


@pytest.mark.parametrize("environ", [{}, {"XDG_CACHE_HOME": ""}, {"XDG_CACHE_HOME": "relative"}])
def test_the_folder_is_in_the_home_of_the_user(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/ada")

    assert user_cache_folder(variable="TRADAI_X", environ=environ) == Path(
        "/home/ada/.cache/tradai"
    )


def test_a_user_without_a_home_is_advised_to_set_the_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_home() -> Path:
        raise RuntimeError

    monkeypatch.setattr(Path, "home", no_home)

    with pytest.raises(ConfigurationError, match="set TRADAI_X") as refused:
        user_cache_folder(variable="TRADAI_X", environ={})
    assert refused.value.key == "TRADAI_X"

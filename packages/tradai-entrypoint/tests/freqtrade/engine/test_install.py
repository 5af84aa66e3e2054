import importlib.metadata
import importlib.util
import site
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from tradai.core.exceptions import ConfigurationError
from tradai.entrypoint.freqtrade._engine.install import EngineInstall, engine_environment

HOME, TEMPORARY = Path("/run/scratch"), Path("/run/t")


def environment(**environ: str) -> dict[str, str]:
    return engine_environment(environ, home=HOME, temporary=TEMPORARY)


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """An interpreter that seems to have the engine."""
    spec = ModuleSpec("freqtrade", None)
    spec.submodule_search_locations = ["/site-packages/freqtrade"]
    monkeypatch.setattr(importlib.util, "find_spec", {"freqtrade": spec}.get)
    monkeypatch.setattr(
        "tradai.entrypoint.freqtrade._engine.install.version", {"freqtrade": "2026.9"}.__getitem__
    )


@pytest.mark.usefixtures("installed")
def test_the_command_runs_the_engine_in_this_interpreter() -> None:
    command = EngineInstall.beside_us().command("backtesting", "--config", "-")

    assert command == [sys.executable, "-P", "-m", "freqtrade", "backtesting", "--config", "-"]
    assert "freqtrade" not in sys.modules


@pytest.mark.usefixtures("installed")
def test_version_and_folder_are_those_of_the_installed_distribution() -> None:
    install = EngineInstall.beside_us()

    assert install.version == "2026.9"
    assert install.package == Path("/site-packages/freqtrade")


def test_a_missing_engine_is_a_configuration_error_that_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", {}.get)

    with pytest.raises(
        ConfigurationError, match=r"install tradai-entrypoint\[freqtrade\] from the checkout"
    ):
        EngineInstall.beside_us()


@pytest.mark.usefixtures("installed")
def test_a_missing_distribution_is_a_configuration_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr("tradai.entrypoint.freqtrade._engine.install.version", nothing)

    with pytest.raises(ConfigurationError, match="not installed"):
        EngineInstall.beside_us()


@pytest.mark.parametrize(
    "name",
    [
        "FREQTRADE__DRY_RUN",
        "FREQTRADE__EXCHANGE__KEY",
        "AWS_SECRET_ACCESS_KEY",
        "TRADAI_RUN_MODE",
        "GITHUB_TOKEN",
        "PYTHONPATH",
        "PYTHONSTARTUP",
        "LD_PRELOAD",
        "XDG_CONFIG_HOME",
    ],
)
def test_nothing_is_passed_on_but_what_is_known_to_be_harmless(name: str) -> None:
    assert name not in environment(**{name: "obviously-fake"})


@pytest.mark.parametrize("name", ["PATH", "LANG", "LC_NUMERIC", "SSL_CERT_FILE", "HTTPS_PROXY"])
def test_what_the_engine_needs_of_the_machine_is_passed_on(name: str) -> None:
    assert environment(**{name: "value"})[name] == "value"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "127.0.0.1,::1,localhost"),
        ({"NO_PROXY": "a.example"}, "a.example,127.0.0.1,::1,localhost"),
        ({"NO_PROXY": "a.example", "no_proxy": "b.example"}, "b.example,127.0.0.1,::1,localhost"),
        ({"no_proxy": "*"}, "*"),
    ],
)
def test_no_proxy_comes_between_the_engine_and_this_machine(
    given: dict[str, str], expected: str
) -> None:
    environ = environment(**given)

    assert environ["no_proxy"] == environ["NO_PROXY"] == expected


def test_the_engine_lives_in_utc_and_in_its_own_folders() -> None:
    environ = environment(TZ="Asia/Tokyo", HOME="/home/someone", TMPDIR="/somewhere")

    assert environ["TZ"] == "UTC"
    assert environ["HOME"] == str(HOME)
    assert environ["TMPDIR"] == str(TEMPORARY)


def test_numbers_are_repeatable_and_log_lines_whole() -> None:
    environ = environment(OMP_NUM_THREADS="8", COLUMNS="80", PYTHONHASHSEED="random")

    assert environ["OMP_NUM_THREADS"] == "1"
    assert environ["PYTHONHASHSEED"] == "0"
    assert int(environ["COLUMNS"]) >= 1000


def test_an_engine_installed_for_one_user_is_found_though_its_home_is_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(site, "ENABLE_USER_SITE", True)

    assert environment()["PYTHONUSERBASE"] == site.getuserbase()

import os
from importlib.metadata import entry_points

import pytest

from tradai.core.exceptions import ConfigurationError
from tradai.mlflow import MLflowSettings

# The rule looks for names like this; the value shows that it is not a secret.
FAKE_PASSWORD = "not-a-real-password"  # noqa: S105


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("URI", "USERNAME", "PASSWORD"):
        monkeypatch.delenv(f"MLFLOW_TRACKING_{name}", raising=False)
    monkeypatch.delenv("MLFLOW_EXPERIMENT_NAME", raising=False)


def test_no_server_is_assumed() -> None:
    given = {name for name, value in MLflowSettings().model_dump().items() if value is not None}

    assert given == {"deadline_s", "artifact_deadline_s"}


def test_the_variables_of_mlflows_own_tools_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://mlflow.example/base")
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "researcher")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", FAKE_PASSWORD)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "night")

    settings = MLflowSettings()

    assert settings.experiment == "night"
    assert settings.uri == "https://mlflow.example/base"
    assert settings.username == "researcher"
    assert settings.password is not None
    assert settings.password.get_secret_value() == FAKE_PASSWORD


def test_the_password_is_shown_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "researcher")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", FAKE_PASSWORD)

    settings = MLflowSettings()

    explained = MLflowSettings.explain(os.environ)
    shown = f"{settings!r} {settings} {explained} {settings.model_dump_json()}"
    assert FAKE_PASSWORD not in shown


@pytest.mark.parametrize(
    "uri",
    [
        "mlflow.example",
        "sqlite:///mlflow.db",
        "https:///path",
        f"https://researcher:{FAKE_PASSWORD}@mlflow.example",
        "https://mlflow.example/a path",
        "https://mlflow.example/#/experiments/1",
    ],
)
def test_an_address_that_is_not_a_plain_web_address_is_refused(
    uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)

    with pytest.raises(ConfigurationError, match="MLFLOW_TRACKING_URI") as caught:
        MLflowSettings()

    assert "must be http:// or https://" in str(caught.value)
    assert "without user or password (they have variables of their own), query and #" in str(
        caught.value
    )
    assert FAKE_PASSWORD not in str(caught.value)


def test_the_settings_are_registered_as_an_entry_point() -> None:
    (announced,) = entry_points(group="tradai.settings", name="mlflow")

    assert announced.load() is MLflowSettings


@pytest.mark.parametrize("token", ["fake\n", "fa ke", "fake\N{EURO SIGN}"])
def test_a_token_that_no_header_takes_is_refused_and_not_shown(
    token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", token)

    with pytest.raises(ConfigurationError, match="MLFLOW_TRACKING_TOKEN") as caught:
        MLflowSettings.load()

    assert token not in str(caught.value)


@pytest.mark.parametrize("place", ["127.0.0.1:99999", "127.0.0.1:abc", "[::zz]", ":80", "a:0"])
def test_a_host_or_port_that_cannot_be_is_refused(
    place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://{place}")

    with pytest.raises(ConfigurationError, match="MLFLOW_TRACKING_URI"):
        MLflowSettings.load()

from importlib.metadata import entry_points

import pytest
from pydantic import ValidationError as PydanticValidationError

from tradai.aws import AwsSettings
from tradai.core.exceptions import ConfigurationError

VARIABLES = ("AWS_REGION", "AWS_PROFILE", "AWS_ENDPOINT_URL")


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)


def test_nothing_about_aws_is_assumed() -> None:
    assert set(AwsSettings().model_dump().values()) == {None}


def test_the_variables_of_awss_own_tools_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_PROFILE", "research")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")

    settings = AwsSettings()

    assert settings.region == "eu-central-1"
    assert settings.profile == "research"
    assert settings.endpoint_url == "http://127.0.0.1:4566"


@pytest.mark.parametrize(
    "url",
    ["localhost:4566", "ftp://127.0.0.1", "https://user:fake@aws.example", "http:///x"],
)
def test_an_endpoint_that_is_no_plain_web_address_is_refused(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)

    with pytest.raises(ConfigurationError, match="AWS_ENDPOINT_URL") as caught:
        AwsSettings()

    assert "must be http:// or https://" in str(caught.value)
    assert url not in str(caught.value)


@pytest.mark.parametrize("variable", VARIABLES)
def test_a_variable_that_is_set_but_empty_is_refused(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "")

    with pytest.raises(ConfigurationError, match=variable):
        AwsSettings()


def test_settings_do_not_change() -> None:
    settings = AwsSettings()
    field = "region"

    with pytest.raises(PydanticValidationError, match="frozen"):
        setattr(settings, field, "us-east-1")


def test_an_installed_slice_announces_its_settings() -> None:
    (announced,) = entry_points(group="tradai.settings", name="aws")

    assert announced.load() is AwsSettings

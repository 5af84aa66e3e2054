from importlib.metadata import entry_points

import pytest
from pydantic import ValidationError as PydanticValidationError

from tradai.aws import AwsSettings
from tradai.core.exceptions import ConfigurationError

VARIABLES = ("AWS_REGION", "AWS_PROFILE", "AWS_ENDPOINT_URL", "TRADAI_AWS_ACCOUNT")


def test_no_setting_has_a_default_that_names_a_resource() -> None:
    settings = AwsSettings()

    assert settings.region is None
    assert settings.profile is None
    assert settings.endpoint_url is None
    assert settings.account is None


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
def test_an_endpoint_that_is_not_a_plain_web_address_is_refused(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)

    with pytest.raises(ConfigurationError, match="AWS_ENDPOINT_URL") as caught:
        AwsSettings()

    assert "must be http:// or https://" in str(caught.value)
    assert url not in str(caught.value)


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("TRADAI_AWS_ACCOUNT", "1234"),
        ("TRADAI_AWS_ACCOUNT", "arn:aws:iam::123456789012:root"),
        ("TRADAI_AWS_ACCOUNT", "\u0661" * 12),
        ("TRADAI_AWS_READ_TIMEOUT_S", "0"),
        ("TRADAI_AWS_CONNECT_TIMEOUT_S", "-1"),
        ("AWS_MAX_ATTEMPTS", "0"),
        ("AWS_RETRY_MODE", "often"),
    ],
)
def test_a_value_out_of_range_is_refused_by_its_variable(
    variable: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, text)

    with pytest.raises(ConfigurationError, match=variable):
        AwsSettings()


def test_timeouts_are_set_by_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "2")
    monkeypatch.setenv("AWS_RETRY_MODE", "adaptive")
    monkeypatch.setenv("TRADAI_AWS_CONNECT_TIMEOUT_S", "0.5")
    monkeypatch.setenv("TRADAI_AWS_READ_TIMEOUT_S", "1.5")

    settings = AwsSettings()

    assert (settings.max_attempts, settings.retry_mode) == (2, "adaptive")
    assert (settings.connect_timeout_s, settings.read_timeout_s) == (0.5, 1.5)


@pytest.mark.parametrize("variable", VARIABLES)
def test_a_variable_that_is_set_but_empty_is_refused(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "")

    with pytest.raises(ConfigurationError, match=variable):
        AwsSettings()


def test_settings_are_frozen() -> None:
    settings = AwsSettings()
    field = "region"

    with pytest.raises(PydanticValidationError, match="frozen"):
        setattr(settings, field, "us-east-1")


def test_the_settings_are_registered_as_an_entry_point() -> None:
    (announced,) = entry_points(group="tradai.settings", name="aws")

    assert announced.load() is AwsSettings

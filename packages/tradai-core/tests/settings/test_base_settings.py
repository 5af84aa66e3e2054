"""Settings: from the environment, frozen, and never showing a value in an error."""

from pathlib import Path
from typing import Literal

import pydantic
import pytest
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, SecretStr, field_validator
from pydantic_settings import SettingsConfigDict

from tradai.core import BaseSettings, SecretReference, unknown_variables
from tradai.core.exceptions import ConfigurationError, NotFoundError

FAKE = "obviously-fake-value-1"


class LakeSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="TRADAI_LAKE_")

    bucket: str
    retries: int = 3
    ratio: float = 0.5
    mode: Literal["read", "write"] = "read"
    tags: tuple[str, ...] = ()
    api_token: SecretStr | None = None
    region: str | None = Field(
        default=None, validation_alias=AliasChoices("AWS_REGION", "AWS_DEFAULT_REGION")
    )

    @field_validator("bucket")
    @classmethod
    def _is_lower(cls, bucket: str) -> str:
        if bucket != bucket.lower():
            message = f"{bucket!r} must be lower-case"
            raise ValueError(message)
        return bucket


class Part(pydantic.BaseModel):
    model_config = ConfigDict(frozen=True)

    name: str = "a"
    tags: tuple[str, ...] = ()


class NestedSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="TRADAI_NEST_", env_nested_delimiter="__")

    part: Part = Part()


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*LakeSettings.variables(), *NestedSettings.variables()):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def lake(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("TRADAI_LAKE_BUCKET", "lake")
    return monkeypatch


def _lake(**arguments: object) -> LakeSettings:
    """Make the settings in the spelling that type checkers accept without the required fields."""
    return LakeSettings.model_validate(arguments)


def _refused() -> str:
    with pytest.raises(ConfigurationError) as caught:
        _lake()
    assert caught.value.__cause__ is caught.value.__context__ is None
    return str(caught.value)


def test_a_field_is_read_from_its_variable(lake: pytest.MonkeyPatch) -> None:
    lake.setenv("TRADAI_LAKE_RETRIES", "5")
    lake.setenv("TRADAI_LAKE_TAGS", '["a", "b"]')
    lake.setenv("AWS_DEFAULT_REGION", "eu-west-1")

    settings = _lake()

    assert (settings.bucket, settings.retries, settings.tags) == ("lake", 5, ("a", "b"))
    assert settings.region == "eu-west-1"


def test_an_argument_wins_over_the_variable(lake: pytest.MonkeyPatch) -> None:
    lake.setenv("TRADAI_LAKE_RETRIES", "5")

    assert _lake(retries=7).retries == 7


def test_an_argument_wins_over_a_variable_with_a_name_of_its_own(
    lake: pytest.MonkeyPatch,
) -> None:
    lake.setenv("AWS_REGION", "eu-west-1")

    assert _lake(region="eu-north-1").region == "eu-north-1"


def test_a_nested_field_is_read_from_its_own_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADAI_NEST_PART__NAME", "b")

    assert NestedSettings().part.name == "b"


@pytest.mark.usefixtures("lake")
def test_settings_are_frozen() -> None:
    settings = _lake()

    with pytest.raises(pydantic.ValidationError, match="frozen"):
        settings.retries = 1


@pytest.mark.usefixtures("lake")
def test_a_dotenv_file_is_not_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("TRADAI_LAKE_RETRIES=9")
    monkeypatch.chdir(tmp_path)

    assert _lake().retries == 3


def test_variables_in_any_case_are_read_and_capital_letters_count_most(
    lake: pytest.MonkeyPatch,
) -> None:
    lake.setenv("tradai_lake_retries", "5")

    assert _lake().retries == 5
    lake.setenv("TRADAI_LAKE_RETRIES", "6")
    assert _lake().retries == 6
    assert (
        LakeSettings.load(environ={"TRADAI_LAKE_BUCKET": "a", "Tradai_lake_Bucket": "b"}).bucket
        == "a"
    )


def test_every_problem_is_listed_by_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADAI_LAKE_RETRIES", FAKE)
    monkeypatch.setenv("TRADAI_LAKE_MODE", FAKE)
    monkeypatch.setenv("TRADAI_LAKE_RATIO", "nan")

    assert _refused().splitlines() == [
        "4 problems",
        "TRADAI_LAKE_BUCKET is missing; set it",
        "TRADAI_LAKE_RETRIES must be a valid integer",
        "TRADAI_LAKE_RATIO must be a finite number",
        "TRADAI_LAKE_MODE must be 'read' or 'write'",
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "TRADAI_LAKE_RETRIES is set, but empty; unset it, or give it a value"),
        ("  ", "TRADAI_LAKE_RETRIES is set, but empty; unset it, or give it a value"),
        ("5\n", "TRADAI_LAKE_RETRIES has blanks around its value; remove them"),
    ],
)
def test_an_empty_or_padded_variable_is_an_error(
    lake: pytest.MonkeyPatch, text: str, problem: str
) -> None:
    lake.setenv("TRADAI_LAKE_RETRIES", text)

    assert _refused() == problem


def test_a_list_that_is_not_json_is_named_without_its_text(lake: pytest.MonkeyPatch) -> None:
    lake.setenv("TRADAI_LAKE_TAGS", f'["{FAKE}"')

    assert _refused() == "TRADAI_LAKE_TAGS must be JSON, such as a list"


def test_a_nested_list_that_is_not_json_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADAI_NEST_PART", "{}")
    monkeypatch.setenv("TRADAI_NEST_PART__TAGS", "[1")

    with pytest.raises(ConfigurationError, match=r"^TRADAI_NEST_PART__TAGS must be"):
        NestedSettings()


def test_the_own_sentence_of_a_validator_is_shown_without_the_value(
    lake: pytest.MonkeyPatch,
) -> None:
    lake.setenv("TRADAI_LAKE_BUCKET", FAKE.upper())

    assert _refused() == "TRADAI_LAKE_BUCKET is not valid: *** must be lower-case"


def test_a_validator_that_fails_is_named_and_what_it_raised_is_not() -> None:
    class Broken(BaseSettings):
        side: str

        @field_validator("side")
        @classmethod
        def _sign(cls, side: str) -> str:
            return {"buy": "+", "sell": "-"}[side]

    with pytest.raises(ConfigurationError) as caught:
        Broken.load(environ={"SIDE": FAKE})

    assert str(caught.value).startswith(
        "SIDE has a validator that failed with KeyError at test_base_settings.py:"
    )
    assert caught.value.__cause__ is caught.value.__context__ is None


def test_an_error_of_ours_from_a_validator_is_raised_as_it_is() -> None:
    class Asking(BaseSettings):
        name: str

        @field_validator("name")
        @classmethod
        def _ask(cls, name: str) -> str:
            raise NotFoundError("there is no such lake", kind="lake", key=name)

    with pytest.raises(NotFoundError, match="there is no such lake"):
        Asking.load(environ={"NAME": "a"})


@pytest.mark.usefixtures("lake")
def test_a_bad_argument_is_named_as_an_argument() -> None:
    with pytest.raises(ConfigurationError, match=r"^retries \(TRADAI_LAKE_RETRIES\) must be"):
        _lake(retries="many")


def test_checking_an_environment_does_not_mind_what_it_leaves_out() -> None:
    LakeSettings.check({})

    with pytest.raises(ConfigurationError, match=r"^TRADAI_LAKE_RETRIES must be"):
        LakeSettings.check({"TRADAI_LAKE_RETRIES": "many"})


def test_each_setting_explains_where_it_comes_from() -> None:
    environ = {"TRADAI_LAKE_BUCKET": "lake", "AWS_DEFAULT_REGION": "eu-west-1"}

    explained = LakeSettings.explain(environ, retries=7)

    assert [(one.name, one.variable, one.value, one.source) for one in explained] == [
        ("bucket", "TRADAI_LAKE_BUCKET", "lake", "environment"),
        ("retries", "TRADAI_LAKE_RETRIES", "7", "argument"),
        ("ratio", "TRADAI_LAKE_RATIO", "0.5", "default"),
        ("mode", "TRADAI_LAKE_MODE", "read", "default"),
        ("tags", "TRADAI_LAKE_TAGS", "[]", "default"),
        ("api_token", "TRADAI_LAKE_API_TOKEN", "", "default"),
        ("region", "AWS_DEFAULT_REGION", "eu-west-1", "environment"),
    ]


@pytest.mark.parametrize(
    "variable", ["TRADAI_LAKE_API_TOKEN", "TRADAI_LAKE_BUCKET"], ids=["by name", "by shape"]
)
def test_a_secret_is_explained_with_stars(variable: str) -> None:
    secret = f"s3://user:{FAKE}@lake"

    explained = LakeSettings.explain({variable: secret})

    assert {one.variable: one.value for one in explained}[variable] == "**********"


class Keys(BaseModel):
    model_config = ConfigDict(frozen=True)

    spot: SecretReference | None = None


class ReferringSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="TRADAI_REFER_", env_nested_delimiter="__")

    bucket: str
    bot: SecretReference = SecretReference("env:BOT_TOKEN")
    keys: Keys = Keys()
    many: tuple[SecretReference, ...] = ()
    text: str = "env:NO_REFERENCE"


def test_references_to_secrets_are_listed_wherever_they_are_though_something_is_missing() -> None:
    environ = {
        "TRADAI_REFER_KEYS__SPOT": "aws-sm:trading/binance#key",
        "TRADAI_REFER_MANY": '["env:A", "file:/b"]',
    }

    assert sorted(ReferringSettings.references(environ)) == [
        ("TRADAI_REFER_BOT", "env:BOT_TOKEN"),
        ("TRADAI_REFER_KEYS__SPOT", "aws-sm:trading/binance#key"),
        ("TRADAI_REFER_MANY", "env:A"),
        ("TRADAI_REFER_MANY", "file:/b"),
    ]


def test_a_reference_that_is_not_valid_is_left_to_the_check(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TRADAI_REFER_BOT", FAKE)

    assert ReferringSettings.references() == ()
    with pytest.raises(ConfigurationError, match="TRADAI_REFER_BOT"):
        ReferringSettings.check({"TRADAI_REFER_BOT": FAKE})


def test_unknown_variables_of_ours_are_reported_with_what_was_meant() -> None:
    environ = {
        "TRADAI_LAKE_BUCKET": "lake",
        "TRADAI_LAKE_BUCKT": "lake",
        "tradai_lake_retris": "5",
        "tradai_lake_ratio": "0.5",
        "TRADAI_SOMETHING": "x",
        "TRADAI_NEST_PART__NAME": "b",
        "TRADAI_STRATEGY__NAME": "owned by the environment layer",
        "AWS_WHATEVER": "not ours",
    }

    assert unknown_variables(environ, [LakeSettings, NestedSettings]) == [
        ("TRADAI_LAKE_BUCKT", "TRADAI_LAKE_BUCKET"),
        ("TRADAI_SOMETHING", None),
        ("tradai_lake_retris", "TRADAI_LAKE_RETRIES"),
    ]


def test_variables_that_differ_only_in_case_are_all_known() -> None:
    environ = dict.fromkeys(("TRADAI_LAKE_BUCKET", "tradai_lake_bucket", "Tradai_lake_ratio"), "1")

    assert unknown_variables(environ, [LakeSettings, NestedSettings]) == []


def test_a_class_that_is_not_complete_says_what_to_define() -> None:
    class Later(BaseSettings):
        # A class that is never defined is the case.
        part: "Missing"  # type: ignore[name-defined]  # noqa: F821

    with pytest.raises(ConfigurationError, match="not fully defined; you should define `Missing`"):
        Later.load(environ={"PART": "x"})

"""Sources of pydantic-settings: which of its features are read, and by which of its names."""

import inspect
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final

import pydantic
import pydantic_settings
import pytest
from pydantic import (
    AliasChoices,
    AliasPath,
    BaseModel,
    ConfigDict,
    Field,
    Json,
    PositiveInt,
    field_validator,
)
from pydantic_settings import (
    CliApp,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    sources,
)

from tradai.core import BaseSettings, S3Path, Secret, SettingOrigin, TimeRange
from tradai.core.exceptions import ConfigurationError, NotFoundError, ValidationError

FAKE = "planted-fake-value-9"

# Each configuration key of pydantic-settings, and whether a class may set it: it is "read", or only
# read by a source that the class "names" in settings_customise_sources and refused without one.
KEYS: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        (
            "case_sensitive",
            "cli_avoid_json",
            "cli_enforce_required",
            "cli_exit_on_error",
            "cli_flag_prefix_char",
            "cli_hide_none_type",
            "cli_ignore_unknown_args",
            "cli_implicit_flags",
            "cli_kebab_case",
            "cli_parse_args",
            "cli_parse_none_str",
            "cli_prefix",
            "cli_prog_name",
            "cli_shortcuts",
            "cli_show_env_vars",
            "cli_use_class_docs_for_groups",
            "dotenv_filtering",
            "enable_decoding",
            "env_file",
            "env_file_depth",
            "env_file_encoding",
            "env_ignore_empty",
            "env_nested_delimiter",
            "env_nested_max_split",
            "env_parse_enums",
            "env_parse_none_str",
            "env_prefix",
            "env_prefix_target",
            "nested_model_default_partial_update",
            "secrets_dir",
        ),
        "read",
    ),
    **dict.fromkeys(
        (
            "json_file",
            "json_file_encoding",
            "pyproject_toml_depth",
            "pyproject_toml_table_header",
            "secrets_case_sensitive",
            "secrets_dir_max_size",
            "secrets_dir_missing",
            "secrets_nested_delimiter",
            "secrets_nested_subdir",
            "secrets_prefix",
            "toml_file",
            "toml_table_header",
            "yaml_config_section",
            "yaml_file",
            "yaml_file_encoding",
        ),
        "named",
    ),
}
# Private names of pydantic and pydantic-settings that are used -> parameters they are called with.
PRIVATE: Final[Mapping[str, set[str]]] = {
    "BaseSettings._settings_init_sources": {"_env_file", "_cli_parse_args"},
    "EnvSettingsSource._load_env_vars": {"self"},
    "EnvSettingsSource._extract_field_info": {"field", "field_name"},
    "EnvSettingsSource._apply_case_sensitive": {"value"},
    "PydanticBaseSettingsSource._set_current_state": {"state"},
    "PydanticBaseSettingsSource._set_settings_sources_data": {"states"},
}


def test_each_configuration_key_of_the_installed_version_is_read_or_refused() -> None:
    theirs = set(SettingsConfigDict.__annotations__) - set(ConfigDict.__annotations__)

    assert theirs - set(KEYS) == set()


@pytest.mark.parametrize("key", [key for key, kind in KEYS.items() if kind == "named"])
def test_a_key_that_no_source_reads_is_refused_unless_the_class_names_its_sources(key: str) -> None:
    body: dict[str, Any] = {"model_config": {key: "x"}}

    with pytest.raises(ValidationError, match=f"Bad sets {key}, which is not read"):
        type("Bad", (BaseSettings,), dict(body))

    named = {"settings_customise_sources": classmethod(lambda _cls, **_: ())}
    assert issubclass(type("Good", (BaseSettings,), body | named), BaseSettings)


@pytest.mark.parametrize("key", [key for key, kind in KEYS.items() if kind == "read"])
def test_a_key_that_is_read_is_not_refused(key: str) -> None:
    assert issubclass(type("Good", (BaseSettings,), {"model_config": {key: None}}), BaseSettings)


@pytest.mark.parametrize("name", PRIVATE)
def test_the_private_names_that_are_used_are_there(name: str) -> None:
    owner, method = name.split(".")
    kind = getattr(pydantic_settings, owner, None) or getattr(sources, owner)

    assert set(inspect.signature(getattr(kind, method)).parameters) >= PRIVATE[name] - {"self"}


def test_the_private_attributes_that_are_used_are_there() -> None:
    source = EnvSettingsSource(BaseSettings)

    assert {"env_vars", "maxsplit", "env_nested_delimiter", "case_sensitive"} <= set(vars(source))
    assert {"__pydantic_validator__", "__pydantic_decorators__", "__pydantic_fields__"} <= set(
        dir(BaseSettings)
    )
    assert all(
        name.startswith("_") or name in {"values", "self", "__pydantic_self__"}
        for name in inspect.signature(pydantic_settings.BaseSettings.__init__).parameters
    )


class Vault(PydanticBaseSettingsSource):
    asked: ClassVar[list[dict[str, Any]]] = []

    def get_field_value(self, field: object, field_name: str) -> tuple[Any, str, bool]:
        raise NotImplementedError

    def __call__(self) -> dict[str, Any]:
        self.asked.append(self.current_state)
        return {"bucket": "from-the-vault", "retries": 2}


class Vaulted(BaseSettings):
    bucket: str = "default"
    retries: int = 1

    @classmethod
    # The hook of pydantic-settings takes all of its sources.
    def settings_customise_sources(  # type: ignore[override]
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        **_: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, Vault(settings_cls)


def test_a_source_of_ones_own_is_read_and_named() -> None:
    settings = Vaulted.load(environ={"RETRIES": "3"})

    assert (settings.bucket, settings.retries) == ("from-the-vault", 3)
    assert Vault.asked[-1] == {"retries": "3"}
    origins = {one.name: (one.source, one.shadowed) for one in Vaulted.explain({"RETRIES": "3"})}
    assert origins == {"bucket": ("Vault", ()), "retries": ("environment", ("Vault",))}


def test_a_source_of_ones_own_that_fails_is_a_problem_and_shows_no_value() -> None:
    class Broken(Vault):
        def __call__(self) -> dict[str, Any]:
            message = f"no way to {FAKE}"
            raise RuntimeError(message)

    class Asking(BaseSettings):
        bucket: str

        @classmethod
        # The hook of pydantic-settings takes all of its sources.
        def settings_customise_sources(  # type: ignore[override]
            cls, settings_cls: type[BaseSettings], **_: PydanticBaseSettingsSource
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return (Broken(settings_cls),)

    with pytest.raises(ConfigurationError) as caught:
        Asking.load(environ={})

    assert str(caught.value) == "Broken could not be read: no way to ***"


def test_an_error_of_ours_from_a_source_is_raised_as_it_is() -> None:
    class Empty(Vault):
        def __call__(self) -> dict[str, Any]:
            raise NotFoundError("there is no such vault", kind="vault", key="x")

    class Asking(BaseSettings):
        @classmethod
        # The hook of pydantic-settings takes all of its sources.
        def settings_customise_sources(  # type: ignore[override]
            cls, settings_cls: type[BaseSettings], **_: PydanticBaseSettingsSource
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return (Empty(settings_cls),)

    with pytest.raises(NotFoundError, match="there is no such vault"):
        Asking.load(environ={})


class Bot(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="BOT_", env_nested_delimiter="__")

    name: str = "bot"
    limits: Mapping[str, int] = {}
    pairs: Annotated[tuple[str, ...], NoDecode] = ()

    @field_validator("pairs", mode="before")
    @classmethod
    def _split(cls, pairs: object) -> object:
        return tuple(pairs.split(",")) if isinstance(pairs, str) else pairs


def origins(kind: type[BaseSettings]) -> dict[str, SettingOrigin]:
    return {one.name: one for one in kind.explain({})}


def test_a_dotenv_file_is_read_with_the_keys_of_its_mappings(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("BOT_NAME=dotenv\nBOT_LIMITS__BTC=5\n")

    class Dotted(Bot):
        model_config = SettingsConfigDict(env_file=tmp_path / ".env")

    assert Dotted.load(environ={}).limits == {"BTC": 5}
    assert Dotted.load(environ={"BOT_NAME": "a"}).name == "a"
    found = origins(Dotted)["limits.BTC"]
    assert (found.source, found.place) == (".env file", "BOT_LIMITS__BTC")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("BOT_SIZE=x", "BOT_SIZE (.env file) must be a valid integer"),
        ("BOT_SIZE=-1", "BOT_SIZE (.env file) must be greater than 0"),
        ("BOT_LIMITS={", "BOT_LIMITS (.env file) must be JSON, such as a list"),
        ("BOT_LIMITS__=1", "BOT_LIMITS__ (.env file) has an empty key in its name; write the key"),
        (
            "BOT_SZIE=1",
            ".env file has a key 'BOT_SZIE' that is not a setting; did you mean 'BOT_SIZE'?",
        ),
        ("OTHER=1", ".env file has a key that is not a setting; known are BOT_LIMITS, BOT_NAME, "),
    ],
)
def test_a_problem_of_a_dotenv_file_names_the_variable_and_that_file(
    tmp_path: Path, line: str, said: str
) -> None:
    (tmp_path / ".env").write_text(f"{line}\n")

    class Dotted(Bot):
        model_config = SettingsConfigDict(env_file=tmp_path / ".env")

        size: PositiveInt = 1

    with pytest.raises(ConfigurationError, match=f"^{re.escape(said)}"):
        Dotted.load(environ={})


def test_a_dotenv_file_that_others_share_is_read_when_extra_keys_are_ignored(
    tmp_path: Path,
) -> None:
    (tmp_path / ".env").write_text("OTHER=1\nBOT_NAME=dotenv\n")

    class Dotted(Bot):
        model_config = SettingsConfigDict(env_file=tmp_path / ".env", extra="ignore")

    assert Dotted.load(environ={}).name == "dotenv"


def test_secret_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "bot_name").write_text("secret\n")

    class Mounted(Bot):
        model_config = SettingsConfigDict(secrets_dir=tmp_path)

    assert Mounted.load(environ={}).name == "secret"
    assert origins(Mounted)["name"].source == "secret files"


def test_a_file_that_is_not_text_is_refused_and_named(tmp_path: Path) -> None:
    (tmp_path / "bot_name").write_bytes(b"\xff\xfe")

    class Mounted(Bot):
        model_config = SettingsConfigDict(secrets_dir=tmp_path)

    class Dotted(Bot):
        model_config = SettingsConfigDict(env_file=tmp_path / "bot_name")

    for kind, place in {
        Mounted: "secret files: name",
        Dotted: "Dotted could not be read: one of its files",
    }.items():
        with pytest.raises(ConfigurationError) as caught:
            kind.load(environ={})
        assert str(caught.value) == f"{place} is not UTF-8 text; write it again"


def test_a_text_that_is_not_to_be_decoded_reaches_its_validator_from_every_layer() -> None:
    assert Bot.load(environ={"BOT_PAIRS": "a,b"}).pairs == ("a", "b")
    assert Bot.load(environ={}, overrides=["pairs=a,b"]).pairs == ("a", "b")
    assert Bot.load(environ={}, pairs=["a"]).pairs == ("a",)


def test_the_prefix_goes_before_an_alias_where_that_is_asked_for() -> None:
    class Prefixed(BaseSettings):
        model_config = SettingsConfigDict(env_prefix="P_", env_prefix_target="all")
        x: str = Field("default", validation_alias="FOO")

    assert Prefixed.load(environ={"P_FOO": "v"}).x == "v"
    assert Prefixed.variables() == ("P_FOO",)


def test_a_path_into_a_value_is_followed() -> None:
    class Pathed(BaseSettings):
        first: str = Field("-", validation_alias=AliasPath("HOSTS", 0))

    assert Pathed.load(environ={"HOSTS": '["a", "b"]'}).first == "a"


class Ends(BaseModel):
    """A nested model whose fields are two items of one list."""

    model_config = ConfigDict(frozen=True)

    low: int = Field(1, validation_alias=AliasPath("range", 0))
    high: int = Field(9, validation_alias=AliasChoices("top", AliasPath("range", 1)))


class Window(BaseSettings):
    """Settings with paths into values, at the top and in a nested model with a default."""

    model_config = SettingsConfigDict(env_nested_delimiter="__")

    first: int = Field(0, validation_alias=AliasPath("BOUNDS", 0))
    ends: Ends = Field(default_factory=lambda: Ends.model_validate({}))


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        ("", {"environ": {"ENDS__RANGE": "[3, 4]"}}, (0, 3, 4)),
        ("", {"environ": {"ENDS__RANGE": "[3]"}}, (0, 3, 9)),
        ("", {"environ": {"ENDS": '{"range": [3, 4]}'}}, (0, 3, 4)),
        ("ends: {low: 5, high: 6}", {"environ": {"ENDS__RANGE": "[3, 4]"}}, (0, 3, 4)),
        ("ends: {range: [5, 6]}", {"environ": {"ENDS__RANGE": "[3]"}}, (0, 3, 6)),
        ("ends: {range: [5, 6]}", {"environ": {"ENDS__TOP": "7"}}, (0, 5, 7)),
        ("BOUNDS: [5]", {"environ": {"BOUNDS": "[3]"}, "overrides": ["first=4"]}, (4, 1, 9)),
        ("first: 5", {"environ": {"BOUNDS": "[3]"}}, (3, 1, 9)),
        ("", {"environ": {"BOUNDS": "[3]"}, "first": 2}, (2, 1, 9)),
    ],
)
def test_what_a_path_points_to_merges_like_its_field(
    tmp_path: Path, text: str, options: dict[str, Any], expected: tuple[int, int, int]
) -> None:
    (tmp_path / "a.yaml").write_text(text or "{}")

    made = Window.load(files=[tmp_path / "a.yaml"], **options)

    assert (made.first, made.ends.low, made.ends.high) == expected


def test_the_origin_of_what_a_path_points_to_is_its_variable(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("BOUNDS: [5]\nends:\n  range: [6, 7]\n")

    found = {
        one.name: (one.value, one.place)
        for one in Window.explain({"BOUNDS": "[3]"}, files=[tmp_path / "a.yaml"])
    }

    assert found == {
        "first": ("3", "BOUNDS"),
        "ends.low": ("6", f"{tmp_path}/a.yaml:3"),
        "ends.high": ("7", f"{tmp_path}/a.yaml:3"),
    }


def test_what_a_path_points_to_is_read_strictly_and_named() -> None:
    environ = {"BOUNDS": '["3"]', "ENDS__RANGE": '[4, "x"]'}

    with pytest.raises(ConfigurationError) as caught:
        Window.load(environ=environ)

    assert set(str(caught.value).splitlines()[1:]) == {
        "BOUNDS: first must be a valid integer",
        "ENDS__RANGE: ends.high must be a valid integer",
    }


def test_a_case_sensitive_class_reads_names_as_they_are() -> None:
    class Exact(BaseSettings):
        model_config = SettingsConfigDict(case_sensitive=True)
        Port: int = 1

    assert Exact.load(environ={"Port": "2", "PORT": "3"}).Port == 2
    assert Exact.variables() == ("Port",)


def test_options_of_the_constructor_are_those_of_pydantic_settings(tmp_path: Path) -> None:
    (tmp_path / "other.env").write_text("BOT_NAME=other\n")

    options: dict[str, Any] = {"_env_file": tmp_path / "other.env"}

    assert Bot(**options).name == "other"


def test_a_command_line_of_pydantic_settings_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    class Tool(BaseSettings):
        model_config = SettingsConfigDict(cli_parse_args=True, cli_prog_name="tool")
        size: int = 1
        limits: Mapping[str, int] = {}

    monkeypatch.setattr(sys, "argv", ["tool", "--size", "5", "--limits", "BTC=7"])

    tool = Tool.load(environ={"SIZE": "3"})

    assert (tool.size, tool.limits) == (5, {"BTC": 7})
    assert Tool.explain({})[0].source == "command line"
    assert Tool.variables() == ("LIMITS", "SIZE")
    assert CliApp.run(Tool, cli_args=["--size", "7"]).size == 7


def test_a_json_field_takes_its_text() -> None:
    class Holder(BaseSettings):
        value: Json[tuple[int, ...]] = ()

    assert Holder.load(environ={"VALUE": "[1, 2]"}).value == (1, 2)


def test_values_of_ours_take_text_and_their_own_objects() -> None:
    class Places(BaseSettings):
        lake: S3Path = S3Path("lake", "a")
        span: TimeRange | None = None

    environ = {"LAKE": "s3://other/b", "SPAN": "20250101-20250401"}
    span = TimeRange.parse("20250101-20250401")

    read = Places.load(environ=environ)
    assert (read.lake, read.span) == (S3Path("other", "b"), span)
    assert Places.load(environ={}, span=span, lake="s3://lake/c").lake == S3Path("lake", "c")
    assert Places.load(environ={}, overrides=["lake=s3://lake/d"]).lake.key == "d"
    assert [one.value for one in Places.explain(environ)] == ["s3://other/b", "20250101-20250401"]
    with pytest.raises(ConfigurationError, match="LAKE must be s3://bucket/key"):
        Places.load(environ={"LAKE": "/lake"})


class Login(BaseModel):
    model_config = ConfigDict(frozen=True)

    user: str


def test_a_secret_is_read_as_what_it_holds() -> None:
    class Holder(BaseSettings):
        theirs: pydantic.Secret[str] = pydantic.Secret("-")
        text: Secret[str] | None = None
        login: Secret[Login] | None = None

    environ = {"THEIRS": "012", "TEXT": "012", "LOGIN": '{"user": "a"}'}

    holder = Holder.load(environ=environ)

    assert holder.theirs.get_secret_value() == "012"
    assert (holder.text, holder.login) == (Secret("012"), Secret(Login(user="a")))
    assert {one.value for one in Holder.explain(environ)} == {"**********"}


def test_debugging_of_pydantic_settings_shows_no_value(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PYDANTIC_SETTINGS_DEBUG", "1")
    monkeypatch.setenv("BOT_NAME", FAKE)
    caplog.set_level("DEBUG")

    assert Bot().name == FAKE
    assert FAKE not in caplog.text


def test_a_missing_field_of_an_item_of_a_mapping_is_named_and_not_its_key() -> None:
    class Limit(BaseModel):
        model_config = ConfigDict(frozen=True)

        most: int

    class Settings(BaseSettings):
        limits: Mapping[str, Limit]

    with pytest.raises(ConfigurationError) as caught:
        Settings.load(environ={"LIMITS": '{"planted-key": {}}'})

    assert str(caught.value) == "LIMITS: limits.*.most is missing; set it"


def test_text_that_is_not_json_is_named_as_that() -> None:
    class Settings(BaseSettings):
        pairs: Json[tuple[str, ...]]

    with pytest.raises(ConfigurationError) as caught:
        Settings.load(environ={"PAIRS": "planted-text"})

    assert str(caught.value) == "PAIRS must be JSON, such as a list"


@pytest.mark.parametrize("variable", ["LIMITS", "LIMITS__inner"])
def test_json_that_repeats_a_key_is_named_as_that(variable: str) -> None:
    class Settings(BaseSettings):
        model_config = SettingsConfigDict(env_nested_delimiter="__")

        limits: Mapping[str, Mapping[str, int]] = {}

    with pytest.raises(ConfigurationError) as caught:
        Settings.load(environ={variable: '{"planted": 1, "planted": 2}'})

    assert str(caught.value) == f"{variable} must be JSON in which no object repeats a key"

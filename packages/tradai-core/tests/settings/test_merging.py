"""Values of settings arrive as they were given, over the defaults of their class."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    FilePath,
    SecretBytes,
    SecretStr,
    computed_field,
    field_serializer,
    field_validator,
    model_validator,
)
from pydantic_settings import NoDecode, SettingsConfigDict

from tradai.core import BaseSettings
from tradai.core.exceptions import ConfigurationError

FAKE = "planted-fake-value-7"
FROZEN = ConfigDict(frozen=True)


class Retry(BaseModel):
    model_config = FROZEN

    times: int = 3
    pause_s: float = 0.5


class Fallback(BaseModel):
    model_config = FROZEN

    retry: Retry = Retry(times=7)
    url: str = "-"


class Spot(BaseModel):
    model_config = FROZEN

    kind: Literal["spot"] = "spot"
    size: int = 1


class Futures(BaseModel):
    model_config = FROZEN

    kind: Literal["futures"] = "futures"
    size: int = 1
    leverage: int = 10


@dataclass(frozen=True)
class Login:
    user: str
    password: SecretStr


class Bot(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="BOT_", env_nested_delimiter="__")

    retry: Retry = Retry(times=10, pause_s=2.0)
    made: Retry = Field(default_factory=lambda: Retry(times=20))
    fallback: Fallback | None = None
    market: Spot | Futures = Futures(size=5)
    tagged: Annotated[Spot | Futures, Field(discriminator="kind")] = Futures(size=5)
    login: Login = Login("me", SecretStr(FAKE))
    limits: Mapping[str, int] = {"ETH": 1}


@pytest.mark.parametrize(
    "layers",
    [
        {"environ": {"BOT_RETRY__PAUSE_S": "5"}},
        {"environ": {"BOT_RETRY": '{"pause_s": 5}'}},
        {"environ": {}, "overrides": ["retry.pause_s=5"]},
        {"environ": {}, "retry": {"pause_s": 5}},
    ],
)
def test_a_part_of_a_nested_model_leaves_the_rest_of_its_default(layers: dict[str, Any]) -> None:
    assert Bot.load(**layers).retry == Retry(times=10, pause_s=5)
    assert {one.name: one.value for one in Bot.explain(layers["environ"])}["retry.times"] == "10"


def test_a_mapping_in_a_default_instance_is_merged_and_a_default_mapping_is_replaced() -> None:
    class Limits(BaseModel):
        model_config = FROZEN

        inside: Mapping[str, int] = {"ETH": 1}

    class Limited(Bot):
        instance: Limits = Limits(inside={"BTC": 2})

    environ = {"BOT_INSTANCE__INSIDE": '{"XRP": 3}', "BOT_LIMITS": '{"XRP": 3}'}

    limited = Limited.load(environ=environ)

    assert limited.instance.inside == {"BTC": 2, "XRP": 3}
    assert limited.limits == {"XRP": 3}


def test_defaults_of_factories_and_of_models_further_down_are_kept_too() -> None:
    environ = {"BOT_MADE__PAUSE_S": "5", "BOT_FALLBACK__RETRY__PAUSE_S": "5"}

    bot = Bot.load(environ=environ)

    assert bot.made == Retry(times=20, pause_s=5)
    assert bot.fallback == Fallback(retry=Retry(times=7, pause_s=5))


def test_a_part_of_a_default_in_a_union_keeps_its_class_unless_its_tag_is_another() -> None:
    bot = Bot.load(environ={"BOT_MARKET__SIZE": "2", "BOT_TAGGED__SIZE": "2"})
    spot = Bot.load(environ={"BOT_MARKET__KIND": "spot", "BOT_TAGGED__KIND": "spot"})

    assert bot.market == bot.tagged == Futures(size=2)
    assert spot.market == spot.tagged == Spot()
    with pytest.raises(ConfigurationError, match="BOT_TAGGED__SIZE must be a valid integer"):
        Bot.load(environ={"BOT_TAGGED__SIZE": "x"})


@dataclass(frozen=True)
class Hosted:
    host: Annotated[str, Field(validation_alias="address")] = "-"
    port: int = 1


@pytest.mark.parametrize("key", ["address", "host"])
def test_a_part_of_a_default_dataclass_goes_by_name_or_alias(key: str) -> None:
    class Client(BaseSettings):
        model_config = SettingsConfigDict(env_prefix="CLIENT_", env_nested_delimiter="__")

        server: Hosted = Hosted("a", port=5)

    assert Client.load(environ={f"CLIENT_SERVER__{key.upper()}": "b"}).server == Hosted("b", port=5)
    assert Client.load(environ={}, server={key: "b"}).server == Hosted("b", port=5)
    with pytest.raises(ConfigurationError, match=r"server\.port .* must be a valid integer"):
        Client.load(environ={}, server={key: "b", "port": "5"})
    with pytest.raises(ConfigurationError, match="a key that is not a setting"):
        Client.load(environ={"CLIENT_SERVER__ADRESS": "b"})


@dataclass(frozen=True)
class Converting:
    port: int = 1

    @field_validator("port", mode="before")
    @classmethod
    def _without_name(cls, port: object) -> object:
        return str(port).removeprefix("port ")


def test_a_validator_of_a_dataclass_may_convert_a_value_before_it_is_checked() -> None:
    class Client(BaseSettings):
        server: Converting = Converting()

    assert Client.load(environ={}, server={"port": "port 5"}).server == Converting(port=5)


def test_another_tag_replaces_a_default_dataclass_also_of_a_local_scope() -> None:
    @dataclass(frozen=True)
    class Rate:
        value: int = 0

    @dataclass(frozen=True)
    class Paid:
        kind: Annotated[Literal["paid"], Field(validation_alias="type")] = "paid"
        rate: "Rate" = Rate()
        share: int = 0

    @dataclass(frozen=True)
    class Free:
        kind: Annotated[Literal["free"], Field(validation_alias="type")] = "free"

    class Plan(BaseSettings):
        model_config = SettingsConfigDict(env_prefix="PLAN_", env_nested_delimiter="__")

        fee: Annotated[Paid | Free, Field(discriminator="kind")] = Paid(share=5)

    assert Plan.load(environ={"PLAN_FEE__TYPE": "free"}).fee == Free()


def test_a_class_may_ask_that_a_part_replaces_the_default() -> None:
    class Replacing(Bot):
        model_config = SettingsConfigDict(nested_model_default_partial_update=False)

    assert Replacing.load(environ={"BOT_RETRY__PAUSE_S": "5"}).retry == Retry(pause_s=5)


def test_a_null_between_two_layers_hides_the_lower_one(tmp_path: Path) -> None:
    for name, text in {"a": "retry: {times: 1}", "b": "retry:", "c": "retry: {pause_s: 1}"}.items():
        (tmp_path / name).write_text(text)

    files = [tmp_path / name for name in "abc"]

    assert Bot.load(files=files, environ={}).retry == Retry(pause_s=1)
    origins = {one.name: (one.source, one.shadowed) for one in Bot.explain({}, files=files)}
    assert origins["retry.times"] == ("default", ())
    assert origins["retry.pause_s"] == ("file", (f"{tmp_path}/b:1",))


class Masked(BaseModel):
    model_config = FROZEN

    key: str = "x"
    hidden: SecretStr = Field(SecretStr(""), exclude=True)
    host: str = Field("-", validation_alias="hostName")

    @classmethod
    def made(cls, **fields: object) -> "Masked":
        return cls.model_validate(fields)

    @field_serializer("key")
    def _mask(self, _key: str) -> str:
        return "***"

    # mypy takes no decorator above a property, and pydantic documents this order.
    @computed_field  # type: ignore[prop-decorator]
    @property
    def length(self) -> int:
        return len(self.key)


class Given(BaseSettings):
    masked: Masked | None = None
    market: Spot | Futures | None = None
    login: Login | None = None
    raw: bytes = b"\xff\x00"
    key: SecretBytes = SecretBytes(b"\xff\x01")
    names: Mapping[bytes, int] = {}
    rule: re.Pattern[str] = re.compile("a", re.IGNORECASE)


# Fields of many types.
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("masked", Masked.made(key="real", hidden=SecretStr(FAKE), hostName="db")),
        ("market", Futures(size=3)),
        ("login", Login("you", SecretStr(FAKE))),
        ("raw", b"\xffk"),
        ("key", SecretBytes(b"\xffk")),
        ("names", {b"x": 1}),
        ("rule", re.compile("b", re.DOTALL)),
    ],
)
# An object of any type is given.
def test_an_object_that_is_given_arrives_as_it_is(name: str, value: Any) -> None:  # noqa: ANN401
    for found in (
        getattr(Given(**{name: value}), name),
        getattr(Given.load(**{name: value}), name),
    ):
        assert found == value
        assert type(found) is type(value) or isinstance(value, dict)


def test_defaults_arrive_as_they_are() -> None:
    given = Given.load(environ={})

    assert given.raw == b"\xff\x00"
    assert given.key.get_secret_value() == b"\xff\x01"
    assert given.rule.flags & re.IGNORECASE
    assert Bot.load(environ={}).login.password.get_secret_value() == FAKE


def test_a_given_model_with_a_list_is_frozen_in_a_copy() -> None:
    class Loose(BaseModel):
        model_config = FROZEN
        tags: "tuple[str, ...] | Any" = ()

    class Holder(BaseSettings):
        loose: Loose = Loose()

    loose = Loose(tags=["a"])

    assert Holder(loose=loose).loose.tags == ("a",)
    assert loose.tags == ["a"]


@pytest.mark.parametrize("key", ["BTC", "btc", "Btc"])
def test_a_nested_variable_keeps_the_case_of_a_mapping_key(key: str, tmp_path: Path) -> None:
    (tmp_path / "bot.yaml").write_text(f"limits: {{{key}: 3, DOT: 1}}\n")
    environ = {f"BOT_LIMITS__{key}": "5", "BOT_LIMITS": '{"ADA": 1}'}

    bot = Bot.load(files=[tmp_path / "bot.yaml"], environ=environ)

    assert bot.limits == {key: 5, "DOT": 1, "ADA": 1}
    origin = {one.name: one for one in Bot.explain(environ, files=[tmp_path / "bot.yaml"])}
    assert origin[f"limits.{key}"].shadowed == (f"{tmp_path}/bot.yaml:1",)


class Limits(BaseModel):
    model_config = FROZEN

    max_loss: int = Field(1000, alias="maxLoss")


class Aliased(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="BOT_", env_nested_delimiter="__")

    limits: Limits = Limits(maxLoss=1000)
    servers: Mapping[str, Limits] = {}


@pytest.mark.parametrize("name", ["max_loss", "maxLoss", "MAX_LOSS", "MAXLOSS"])
def test_a_nested_field_goes_by_its_name_or_its_alias_in_a_variable(name: str) -> None:
    assert Aliased.load(environ={f"BOT_LIMITS__{name}": "5"}).limits.max_loss == 5
    environ = {f"BOT_SERVERS__one__{name}": "5"}
    assert Aliased.load(environ=environ).servers["one"].max_loss == 5


@pytest.mark.parametrize("name", ["max_loss", "maxLoss"])
def test_a_nested_field_goes_by_its_name_or_its_alias_everywhere(name: str, tmp_path: Path) -> None:
    (tmp_path / "bot.yaml").write_text(f"limits: {{{name}: 5}}\n")

    found = [
        Aliased.load(files=[tmp_path / "bot.yaml"], environ={}),
        Aliased.load(environ={"BOT_LIMITS": f'{{"{name}": 5}}'}),
        Aliased.load(environ={}, overrides=[f"limits.{name}=5"]),
        Aliased.load(environ={}, limits={name: 5}),
    ]

    assert {one.limits.max_loss for one in found} == {5}
    files, overrides = [tmp_path / "bot.yaml"], ["limits.max_loss=6"]
    (origin, _) = Aliased.explain({}, files=files, overrides=overrides)
    assert (origin.name, origin.value) == ("limits.max_loss", "6")
    assert origin.shadowed == (f"{tmp_path}/bot.yaml:1",)


def test_a_validator_of_the_whole_sees_the_keys_that_were_written() -> None:
    seen: list[set[str]] = []

    class Seeing(BaseSettings):
        region: str = Field("-", validation_alias="AWS_REGION")

        @model_validator(mode="before")
        @classmethod
        def _look(cls, values: dict[str, Any]) -> dict[str, Any]:
            seen.append(set(values))
            return values

    Seeing.load(environ={}, region="a")
    Seeing.load(environ={"AWS_REGION": "a"})

    assert seen == [{"region"}, {"AWS_REGION"}]


@pytest.mark.parametrize(
    "environ",
    [
        {"BOT_RETRY__TIMES__X": "1"},
        {"BOT_RETRY__TIMES": "2", "BOT_RETRY__TIMES__X": "1"},
        {"BOT_LOGIN__USER__X": "1"},
    ],
)
def test_a_nested_variable_that_nothing_reads_is_refused(environ: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError):
        Bot.load(environ=environ)


class Mapped(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="BOT_", env_nested_delimiter="__")

    either: Mapping[str, tuple[str, ...] | str] = {}
    many: Mapping[str, tuple[int, ...]] = {}
    plain: Annotated[Mapping[str, tuple[str, ...] | str], NoDecode] = {}


def test_the_value_of_a_mapping_is_read_by_its_type() -> None:
    environ = {"BOT_EITHER__a": "plain", "BOT_EITHER__b": '["c"]', "BOT_MANY__a": "[1, 2]"}

    mapped = Mapped.load(environ=environ | {"BOT_PLAIN__a": '["c"]'})

    assert mapped.either == {"a": "plain", "b": ("c",)}
    assert mapped.many == {"a": (1, 2)}
    assert mapped.plain == {"a": '["c"]'}
    with pytest.raises(ConfigurationError, match="BOT_MANY__a must be JSON, such as a list"):
        Mapped.load(environ={"BOT_MANY__a": "1"})


@pytest.mark.parametrize("variable", ["BOT_MANY__", "BOT_MANY____a"])
def test_an_empty_key_in_the_name_of_a_variable_is_refused(variable: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{variable} has an empty key in its name"):
        Mapped.load(environ={variable: "[1]"})

    assert Mapped.load(environ={"BOT_MANY": '{"": [1]}'}).many == {"": (1,)}


def test_every_unreadable_variable_is_named() -> None:
    environ = {"BOT_LIMITS": "[", "BOT_RETRY": "{", "BOT_MADE": "{", "BOT_LOGIN": "x"}

    with pytest.raises(ConfigurationError) as caught:
        Bot.load(environ=environ)

    assert str(caught.value).splitlines() == [
        "4 problems",
        *(f"BOT_{name} must be JSON, such as a list" for name in ("RETRY", "MADE", "LOGIN")),
        "BOT_LIMITS must be JSON, such as a list",
    ]


@pytest.mark.parametrize(
    ("annotation", "text"),
    [(str | int, "012345678901"), (str | float, "123456789012345678901"), (str | bool, "on")],
)
def test_a_text_stays_text_where_the_field_takes_text(annotation: object, text: str) -> None:
    kind: Any = type("Kind", (BaseSettings,), {"__annotations__": {"value": annotation}})

    assert kind.load(environ={"VALUE": text}).value == text


def test_a_path_that_the_system_refuses_is_named_by_its_field() -> None:
    class Keyed(BaseSettings):
        key_file: FilePath
        retries: int = 1

    with pytest.raises(ConfigurationError) as caught:
        Keyed.load(environ={"KEY_FILE": FAKE * 300, "RETRIES": "x"})

    assert str(caught.value).splitlines() == [
        "2 problems",
        "KEY_FILE names something that cannot be looked at: File name too long",
        "RETRIES must be a valid integer",
    ]


class Fee(BaseModel):
    model_config = FROZEN

    rate: int = Field(2, validation_alias=AliasChoices("percent", "share"))


@pytest.mark.parametrize("keys", [("rate", "percent"), ("percent", "share", "rate")])
@pytest.mark.parametrize("default", [Fee.model_validate({}), None], ids=["instance", "none"])
def test_several_keys_for_one_field_in_one_layer_are_refused(
    keys: tuple[str, ...], default: Fee | None
) -> None:
    class Settings(BaseSettings):
        model_config = SettingsConfigDict(env_nested_delimiter="__")

        fee: Fee | None = default

    environ = {f"FEE__{key.upper()}": "3" for key in keys}

    with pytest.raises(ConfigurationError, match=r"FEE__\w+ has a key that is"):
        Settings.load(environ=environ)
    with pytest.raises(ConfigurationError, match="has a key that is not a setting"):
        Settings.model_validate({"fee": dict.fromkeys(keys, 3)})


class Rates(BaseSettings):
    rate: float | None = None
    either: int | float = 0
    rates: tuple[float, ...] = ()
    exact: Decimal = Decimal(0)


@pytest.mark.parametrize(
    ("layers", "place"),
    [
        ({"environ": {"RATE": "1e-400"}}, "RATE"),
        ({"environ": {"EITHER": "-0.1E-9999999999999999999"}}, "EITHER"),
        ({"environ": {"RATES": "[1, 1e-400]"}}, "RATES: rates.1"),
        ({"environ": {}, "overrides": ["rate=1e-400"]}, "override 1"),
    ],
)
def test_a_number_that_a_float_rounds_to_zero_is_refused(
    layers: dict[str, Any], place: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Rates.load(**layers)

    assert str(caught.value) == f"{place} must be a number that a float does not round to 0"


def test_a_number_too_large_for_a_float_is_refused_also_where_infinity_is_allowed() -> None:
    class Unlimited(Rates):
        model_config = SettingsConfigDict(allow_inf_nan=True)

    assert Unlimited.load(environ={"RATE": "inf"}).rate == float("inf")
    for environ in ({"RATE": "1e400"}, {"RATES": "[1e400]"}):
        with pytest.raises(ConfigurationError, match="must be a finite number"):
            Unlimited.load(environ=environ)


def test_zero_and_exact_numbers_are_read_with_any_exponent() -> None:
    rates = Rates.load(environ={"RATE": "-0.0e-500", "RATES": "[0e-500]", "EXACT": "1e-400"})

    assert (rates.rate, rates.rates, rates.exact) == (0.0, (0.0,), Decimal("1e-400"))

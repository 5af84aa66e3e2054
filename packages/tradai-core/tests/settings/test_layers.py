"""Layers of settings: their order, their types, their origins, and all problems in one error."""

import copy
import os
from collections.abc import Mapping, Sequence, Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from pathlib import Path
from typing import Annotated, ClassVar, Literal, TypeVar

import pydantic
import pytest
from hypothesis import given, strategies as st
from pydantic import BaseModel, ConfigDict, Field, SecretStr
from pydantic_settings import SettingsConfigDict

from tradai.core import (
    BaseSettings,
    ConfigLayer,
    InsideFolder,
    LayerData,
    MemoryStore,
    Origin,
    Secret,
    SecretReference,
    SettingOrigin,
    YamlLayer,
    unknown_variables,
)
from tradai.core.exceptions import ConfigurationError, StorageError, ValidationError

FAKE = "planted-fake-value-8"

S = TypeVar("S", bound=BaseSettings)


class Color(StrEnum):
    RED = "red"


class Level(IntEnum):
    LOW = 1


class Mixed(Enum):
    TEXT = "text"
    NUMBER = 5


class Server(BaseModel):
    model_config = ConfigDict(frozen=True)

    host: str = "localhost"
    port: int = 80
    tags: tuple[str, ...] = ()


class App(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="TRADAI_APP_", env_nested_delimiter="__")

    name: str = "app"
    retries: int = 3
    ratio: float = 0.5
    stake: Decimal = Decimal(10)
    is_on: bool = False
    color: Color = Color.RED
    pairs: tuple[str, ...] = ()
    limits: Mapping[str, int] = {}
    server: Server = Server()
    token: SecretReference | None = None
    password: SecretStr | None = None
    folder: Path = Path("data")
    since: datetime = datetime(2025, 1, 1, tzinfo=UTC)


class Kinds(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="TRADAI_KINDS_", env_nested_delimiter="__")

    boolean: bool | None = None
    whole: int | None = None
    real: float | None = None
    amount: Decimal | None = None
    text: str | None = None
    one_of: Literal["a", 1] | None = None
    level: Level | None = None
    mixed: Mixed | None = None
    either: int | str | None = None
    pair: tuple[int, str] | None = None
    texts: Sequence[str] | str | None = None
    kept: Secret[int] | None = None
    span: timedelta | None = None
    servers: Mapping[str, Server] = {}


class Strict(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="TRADAI_STRICT_")

    bucket: str
    retries: int
    server: Server


class Rooted(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="TRADAI_ROOTED_")

    read: Annotated[Path, InsideFolder("read")] | None = None
    write: Annotated[Path, InsideFolder("write")] | None = None
    create: Annotated[Path, InsideFolder("create")] | None = None
    fixed: Annotated[Path, InsideFolder("create", root=Path("/nowhere/of/ours"))] | None = None


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("TRADAI_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def loaded(kind: type[S], **layers: object) -> S:
    # The layers of `load` by name; what they are is up to each test.
    return kind.load(**layers)  # type: ignore[arg-type]


def refused(kind: type[BaseSettings], **layers: object) -> list[str]:
    """Return the lines of the refusal."""
    with pytest.raises(ConfigurationError) as caught:
        loaded(kind, **layers)
    assert caught.value.__cause__ is caught.value.__context__ is None
    return str(caught.value).splitlines()


def origins(kind: type[BaseSettings], **layers: object) -> dict[str, SettingOrigin]:
    # The keyword arguments of `explain` are those of `load`, which vary from test to test.
    return {one.name: one for one in kind.explain({}, **layers)}  # type: ignore[arg-type]


def test_each_layer_lies_over_the_ones_before(folder: Path) -> None:
    low = write(folder / "low.yaml", "name: low\nretries: 1\nserver: {host: low, port: 1}\n")
    high = write(folder / "high.yaml", "retries: 2\nratio: 2\nserver: {port: 2}\n")
    environ = {"TRADAI_APP_RATIO": "3", "TRADAI_APP_STAKE": "3", "TRADAI_APP_SERVER__PORT": "3"}

    app = App.load(
        files=[low, high.as_uri()],
        environ=environ,
        overrides=["stake=4", "is_on=true", "server.port=4"],
        is_on=False,
    )

    assert (app.name, app.retries, app.ratio, app.stake) == ("low", 2, 3.0, Decimal(4))
    assert not app.is_on
    assert app.server == Server(host="low", port=4)
    assert app.color is Color.RED


def test_a_layer_of_ones_own_takes_its_place_among_the_files() -> None:
    class Tags:
        name = "registry"

        def load(self) -> LayerData:
            return LayerData(
                values={"retries": 9}, origins={"retries": Origin(source="registry", line=1)}
            )

    store = MemoryStore()
    store.write("memory:app.yaml", b"retries: 5\nname: stored\n")
    layers: list[ConfigLayer] = [YamlLayer("memory:app.yaml", store=store), Tags()]

    app = App.load(files=layers, environ={})

    assert (app.name, app.retries) == ("stored", 9)
    assert origins(App, files=layers)["retries"].shadowed == ("memory:app.yaml:1",)


def test_the_environment_of_the_process_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADAI_APP_RETRIES", "7")

    assert App.load().retries == App().retries == 7
    assert App.load(environ={}).retries == 3
    assert {one.name: one.value for one in App.explain()}["retries"] == "7"


def test_an_argument_goes_by_the_name_or_the_alias_of_its_field() -> None:
    class Aliased(BaseSettings):
        region: str | None = Field(default=None, validation_alias="AWS_REGION")

    assert Aliased.load(environ={}, region="a").region == "a"
    assert Aliased.load(environ={"AWS_REGION": "b"}).region == "b"
    assert Aliased.load(environ={"AWS_REGION": "b"}, AWS_REGION="c").region == "c"


def test_only_what_was_written_counts_as_set() -> None:
    assert App.load(environ={}, retries=1).model_fields_set == {"retries"}


# Values of texts: of a variable and of an override alike. None stands for a refusal.
TRUTH: list[tuple[str, dict[str, object]]] = [
    ("7", {"whole": 7, "real": 7.0, "amount": Decimal(7), "boolean": None, "text": "7"}),
    ("-0", {"whole": 0, "real": 0.0, "text": "-0"}),
    ("+7", {"whole": 7, "real": 7.0, "text": "+7"}),
    ("007", {"whole": 7, "text": "007"}),
    ("1_000", {"whole": None, "real": None, "amount": None, "text": "1_000"}),
    (" 7", {"whole": None, "text": None}),
    ("7.0", {"whole": None, "real": 7.0, "amount": Decimal("7.0"), "either": "7.0"}),
    ("1e3", {"whole": None, "real": 1000.0, "amount": Decimal(1000), "text": "1e3"}),
    ("0x10", {"whole": None, "real": None, "text": "0x10"}),
    ("\u0667", {"whole": None, "real": None}),
    ("nan", {"real": None, "amount": None, "text": "nan"}),
    ("inf", {"real": None, "amount": None}),
    ("9" * 5000, {"whole": None}),
    ("true", {"boolean": True, "whole": None, "text": "true"}),
    ("True", {"boolean": True}),
    ("yes", {"boolean": True, "text": "yes"}),
    ("on", {"boolean": True}),
    ("1", {"boolean": True, "whole": 1, "one_of": 1, "level": Level.LOW, "either": "1"}),
    ("no", {"boolean": False}),
    ("off", {"boolean": False}),
    ("0", {"boolean": False, "whole": 0}),
    ("2", {"boolean": None, "level": None, "one_of": None}),
    ("null", {"whole": None, "boolean": None, "text": "null"}),
    ("", {"whole": None, "text": None}),
    ("a", {"one_of": "a", "whole": None, "either": "a", "texts": "a"}),
    ("5", {"mixed": Mixed.NUMBER, "kept": Secret(5), "either": "5"}),
    ("text", {"mixed": Mixed.TEXT, "kept": None}),
    ("TEXT", {"mixed": None}),
    ('[1, "a"]', {"pair": (1, "a"), "texts": None, "text": '[1, "a"]'}),
    ('["1", "a"]', {"pair": None, "texts": ("1", "a")}),
    ("[1]", {"pair": None}),
    ("1,a", {"pair": None, "texts": "1,a"}),
    ("[" * 3000, {"pair": None}),
    ('{"a": {"port": 1}}', {"servers": {"a": Server(port=1)}}),
    ('{"a": {"port": "1"}}', {"servers": None}),
    ('{"a": {}, "a": {}}', {"servers": None}),
    ("PT5M", {"span": timedelta(minutes=5)}),
    ("300", {"span": None}),
]


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [(text, field, value) for text, fields in TRUTH for field, value in fields.items()],
)
def test_a_text_means_the_same_in_a_variable_and_on_the_command_line(
    text: str, field: str, value: object
) -> None:
    ways: list[dict[str, object]] = [
        {"environ": {f"TRADAI_KINDS_{field.upper()}": text}},
        {"environ": {}, "overrides": [f"{field}={text}"]},
    ]
    for way in ways:
        if value is None:
            (line,) = refused(Kinds, **way)
            assert line.split(" ")[0].strip(":") in {
                f"TRADAI_KINDS_{field.upper()}",
                "command",
                "override",
            }
        else:
            found = getattr(loaded(Kinds, **way), field)
            assert found == value
            assert isinstance(found, bool) is isinstance(value, bool)


@pytest.mark.parametrize(
    ("field", "written"),
    [
        ("whole", "'7'"),
        ("whole", "7.0"),
        ("whole", "true"),
        ("real", "'7'"),
        ("boolean", "1"),
        ("boolean", "'true'"),
        ("boolean", "yes"),
        ("text", "7"),
        ("text", "true"),
        ("level", "'1'"),
        ("pair", "[1, 2]"),
        ("pair", "[1, a, b]"),
        ("span", "300"),
        ("servers", "{a: {port: '1'}}"),
        ("servers", "[]"),
    ],
)
def test_a_file_is_read_strictly(folder: Path, field: str, written: str) -> None:
    file = write(folder / "app.yaml", f"# first line\n{field}: {written}\n")

    (line,) = refused(Kinds, files=[file], environ={})

    assert line.startswith(f"{file}:2: {field}")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("whole", "7"),
        ("whole", 7.0),
        ("whole", True),
        ("boolean", 1),
        ("text", 7),
        ("text", b"bytes"),
        ("text", Path("x")),
        ("text", SecretStr(FAKE)),
        ("text", Secret(FAKE)),
        ("real", Decimal(1)),
        ("amount", object()),
    ],
)
def test_an_argument_is_taken_strictly(field: str, value: object) -> None:
    (line,) = refused(Kinds, environ={}, **{field: value})

    assert line.startswith(field)
    assert " must be " in line


def test_arguments_of_the_right_type_and_their_text_are_accepted() -> None:
    app = App.load(
        environ={},
        color="red",
        folder="elsewhere",
        pairs=["a"],
        stake=Decimal("0.10"),
        server=Server(port=5),
        since=datetime(2026, 1, 1, tzinfo=UTC),
        password=Secret(FAKE),
        token=SecretReference("env:KEY"),
    )

    assert (app.color, app.folder, app.pairs) == (Color.RED, Path("elsewhere"), ("a",))
    assert (app.stake, app.server.port, app.since.year) == (Decimal("0.10"), 5, 2026)
    assert app.password is not None
    assert app.password.get_secret_value() == FAKE
    assert App.load(environ={}, server={"port": 5}).server == Server(port=5)


def test_settings_are_frozen_all_the_way_down_and_hashable() -> None:
    app = App.load(environ={}, pairs=["a"], limits={"a": 1}, server={"tags": ["x"]})

    assert hash(app) == hash(
        App.load(environ={}, pairs=("a",), limits={"a": 1}, server=Server(tags=("x",)))
    )
    limits: object = app.limits
    assert isinstance(limits, dict)
    with pytest.raises(TypeError):
        limits["a"] = 2
    with pytest.raises(pydantic.ValidationError, match="frozen"):
        app.server.port = 1
    assert copy.deepcopy(app) == app


def test_a_list_that_a_validator_makes_becomes_a_tuple() -> None:
    class Made(BaseSettings):
        names: Annotated[Sequence[str], pydantic.AfterValidator(list)] = ()
        kinds: AbstractSet[str] = frozenset()
        deep: Mapping[str, Sequence[Mapping[str, int]]] = {}

    made = Made.load(environ={}, names=["a"], kinds={"b"}, deep={"c": [{"d": 1}]})

    assert (made.names, made.kinds) == (("a",), frozenset({"b"}))
    assert isinstance(made.kinds, frozenset)
    assert hash(made)
    assert made.deep["c"] == ({"d": 1},)


class Loose(BaseModel):
    tags: tuple[str, ...] = ()


@dataclass
class Changing:
    a: int = 1


@pytest.mark.parametrize(
    ("annotation", "message"),
    [
        (list[str], "is a list, which can change"),
        (dict[str, int], "is a dict, which can change"),
        (set[str] | None, "is a set, which can change"),
        (tuple[list[str], ...], "is a list, which can change"),
        (Annotated[Mapping[str, set[int]], Field()], "is a set, which can change"),
        (bytearray, "is a bytearray, which can change"),
        (Loose, "Loose is not frozen"),
        (tuple[Loose, ...], "Loose is not frozen"),
        (Changing, "is not frozen; freeze the dataclass"),
        (App, "is settings of its own"),
    ],
)
def test_a_class_whose_settings_could_change_is_refused_when_it_is_made(
    annotation: object, message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        type("Bad", (BaseSettings,), {"__annotations__": {"field": annotation}, "field": None})


def test_a_class_that_is_not_frozen_or_takes_extras_is_refused() -> None:
    for key, value in {"frozen": False, "extra": "allow"}.items():
        with pytest.raises(ValidationError, match=f"sets {key} to|is not frozen"):
            type("Bad", (BaseSettings,), {"model_config": {key: value}})


@pytest.mark.parametrize("key", ["yaml_file", "json_file_encoding", "secrets_prefix"])
def test_a_source_that_is_not_read_is_refused_when_the_class_is_made(key: str) -> None:
    with pytest.raises(ValidationError, match=f"sets {key}, which is not read; use Bad.load"):
        type("Bad", (BaseSettings,), {"model_config": {key: "x"}})


def test_all_problems_of_all_layers_are_in_one_error(folder: Path) -> None:
    file = write(folder / "app.yaml", "retries: many\nserver:\n  prot: 1\n  port: x\n")

    lines = refused(
        Strict,
        files=[file, folder / "absent.yaml"],
        environ={"TRADAI_STRICT_BUCKET": " "},
        overrides=["retries", "=5", "server.host=", "server.nothing=1"],
        nonsense=5,
    )

    assert lines == [
        "10 problems",
        f"{file}:1: retries must be a valid integer",
        f"{file}:4: server.port must be a valid integer",
        f"{folder}/absent.yaml: there is no such file; write it, or name it optional:FILE",
        "TRADAI_STRICT_BUCKET is set, but empty; unset it, or give it a value",
        "override 1 has no value; write KEY=VALUE",
        "override 2 has an empty step in its key; write KEY=VALUE",
        "override 3 is set, but empty; unset it, or give it a value",
        f"{file}:3 has a key 'prot' that is not a setting; did you mean 'port'?",
        "command line has a key that is not a setting; known are host, port, tags",
        "argument has a key that is not a setting; known are bucket, retries, server",
    ]


def test_a_bound_is_stated_in_a_sentence() -> None:
    class Bounded(BaseSettings):
        name: Annotated[str, Field(max_length=3)] = "a"
        pairs: Annotated[tuple[str, ...], Field(min_length=1)] = ("a",)
        share: Annotated[float, Field(gt=0)] = 0.5

    assert refused(Bounded, environ={"NAME": "long", "PAIRS": "[]", "SHARE": "0"}) == [
        "3 problems",
        "NAME must have at most 3 characters",
        "PAIRS must have at least 1 item after validation, not 0",
        "SHARE must be greater than 0",
    ]


def test_a_missing_setting_is_named_with_its_variable(folder: Path) -> None:
    class Nested(BaseSettings):
        model_config = SettingsConfigDict(env_prefix="TRADAI_N_", env_nested_delimiter="__")
        inner: "Inner"

    Nested.model_rebuild(_types_namespace={"Inner": Inner})
    file = write(folder / "n.yaml", "inner:\n  b: 1\n")

    assert refused(Strict, environ={}) == [
        "3 problems",
        "TRADAI_STRICT_BUCKET is missing; set it",
        "TRADAI_STRICT_RETRIES is missing; set it",
        "TRADAI_STRICT_SERVER is missing; set it",
    ]
    assert refused(Nested, environ={"TRADAI_N_INNER__B": "1"}) == [
        "TRADAI_N_INNER__A is missing; set it"
    ]
    assert refused(Nested, files=[file], environ={}) == [f"{file}:1: inner.a is missing; set it"]


class Inner(BaseModel):
    model_config = ConfigDict(frozen=True)

    a: int
    b: int = 2


def test_a_missing_file_may_be_optional(folder: Path) -> None:
    file = folder / "absent.yaml"

    assert App.load(files=[f"optional:{file}"], environ={}).retries == 3
    assert App.load(files=[f"optional:{file.as_uri()}"], environ={}).retries == 3
    write(file, "retries: 5")
    assert App.load(files=[f"optional:{file}"], environ={}).retries == 5


def test_a_file_that_cannot_be_read_does_not_make_its_settings_missing(folder: Path) -> None:
    file = write(folder / "bad.yaml", "bucket: [a\n")

    (line,) = refused(Strict, files=[file], environ={})

    assert line.startswith(f"{file}:2:1: not valid YAML")
    with pytest.raises(StorageError):
        App.load(files=[file / "below"], environ={})
    assert origins(App, files=[file / "below"])["retries"].source == "default"


def test_a_file_that_no_store_reaches_is_named_and_its_password_is_not() -> None:
    (line,) = refused(App, files=[f"gopher://me:{FAKE}@old/app.yaml"], environ={})

    assert line.startswith("gopher://***@old/app.yaml: tradai.stores has no gopher: backend; use")


def test_relative_paths_of_a_file_are_taken_from_its_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(folder / "conf" / "app.yaml", "folder: data\ntoken: file:keys/one#a.b\n")
    monkeypatch.chdir(folder)

    app = App.load(files=["conf/app.yaml"], environ={})

    assert app.folder == file.parent / "data"
    assert app.token == f"file:{file.parent}/keys/one#a.b"
    assert App.load(files=[file], environ={"TRADAI_APP_FOLDER": "x"}).folder == Path("x")
    absolute = write(folder / "absolute.yaml", "folder: /data\ntoken: file:/key\n")
    assert App.load(files=[absolute], environ={}).folder == Path("/data")
    assert str(App.load(files=[absolute], environ={}).token) == "file:/key"


def test_a_relative_path_in_an_object_that_is_on_no_disk_is_refused() -> None:
    store = MemoryStore()
    store.write("memory:app.yaml", b"name: a\nfolder: data\n")

    (line,) = refused(App, files=[YamlLayer("memory:app.yaml", store=store)], environ={})

    assert line.startswith("memory:app.yaml:2: folder is a relative path")


@pytest.fixture
def room(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a file to read, links that leave it, and a file beside it."""
    room = folder / "room"
    write(room / "inner" / "file.txt", "x")
    write(folder / "outside.txt", "x")
    (room / "out").symlink_to(folder / "outside.txt")
    (room / "up").symlink_to(folder)
    (room / "in").symlink_to(room / "inner" / "file.txt")
    (room / "circle").symlink_to(room / "circle")
    monkeypatch.chdir(room)
    return room


@pytest.mark.parametrize(
    ("field", "text", "found"),
    [
        ("read", "inner/file.txt", "inner/file.txt"),
        ("read", "./inner//file.txt", "inner/file.txt"),
        ("read", "in", "inner/file.txt"),
        ("read", "inner", "inner"),
        ("write", "inner", "inner"),
        ("create", "new/deep/file.txt", "new/deep/file.txt"),
        ("create", "inner/file.txt", "inner/file.txt"),
    ],
)
def test_a_path_inside_its_folder_is_resolved(
    room: Path, field: str, text: str, found: str
) -> None:
    file = write(room / "app.yaml", f"{field}: {text}\n")

    ways = [
        Rooted.load(files=[file], environ={}),
        Rooted.load(environ={f"TRADAI_ROOTED_{field.upper()}": text}),
        Rooted.load(environ={}, overrides=[f"{field}={text}"]),
        loaded(Rooted, environ={}, **{field: Path(text)}),
    ]

    assert {getattr(way, field) for way in ways} == {room.resolve() / found}


@pytest.mark.parametrize(
    ("field", "text", "message"),
    [
        ("read", "../outside.txt", "stays inside its folder"),
        ("read", "inner/../../outside.txt", "stays inside its folder"),
        ("read", "inner/../inner/file.txt", "stays inside its folder"),
        ("read", "/etc/passwd", "stays inside its folder"),
        ("read", "out", "stays inside its folder"),
        ("read", "up/outside.txt", "stays inside its folder"),
        ("create", "up/new.txt", "stays inside its folder"),
        ("read", "circle", "stays inside its folder|can read"),
        ("read", "absent", "that this user can read"),
        ("write", "absent", "is there and that this user can write"),
        ("create", "inner/file.txt/new", "where this user can write"),
        ("fixed", "../x", "stays inside its folder"),
    ],
)
def test_a_path_that_leaves_its_folder_or_is_of_no_use_is_refused(
    room: Path, field: str, text: str, message: str
) -> None:
    file = write(room / "app.yaml", f"{field}: {text}\n")

    for way in ({"files": [file]}, {"overrides": [f"{field}={text}"]}):
        (line,) = refused(Rooted, environ={}, **way)
        assert [one for one in message.split("|") if one in line]


def test_an_absolute_path_is_refused_even_inside_its_folder(room: Path) -> None:
    text = str(room.resolve() / "inner")

    assert "a relative path" in refused(Rooted, environ={"TRADAI_ROOTED_READ": text})[0]


def test_the_default_of_a_path_is_checked_too(room: Path) -> None:
    class Made(BaseSettings):
        results: Annotated[Path, InsideFolder("create")] = Path("results")
        up: Annotated[Path, InsideFolder("create")] = Path("up/results")

    assert Made.load(environ={}, up="x").results == room.resolve() / "results"
    assert "stays inside its folder" in refused(Made, environ={})[0]


def test_a_path_is_checked_for_the_access_of_this_user(
    room: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The superuser may do everything, so what the system answers is said here.
    monkeypatch.setattr(
        os, "access", lambda _path, mode, **_: not mode & os.W_OK or mode & os.X_OK == 0
    )

    assert Rooted.load(environ={}, read="inner").read == room.resolve() / "inner"
    for field in ("write", "create"):
        (line,) = refused(Rooted, environ={}, **{field: "inner"})
        assert "this user can write" in line


def test_a_path_below_a_fixed_root_does_not_depend_on_its_file(room: Path) -> None:
    class Fixed(BaseSettings):
        found: Annotated[Path, InsideFolder(root=room / "inner")]

    file = write(room / "else" / "app.yaml", "found: file.txt\n")

    for way in (Fixed.load(files=[file], environ={}), Fixed.load(environ={}, found="file.txt")):
        assert way.found == room.resolve() / "inner/file.txt"


def test_each_leaf_explains_where_it_comes_from(folder: Path) -> None:
    low = write(
        folder / "low.yaml", "retries: 1\nserver:\n  port: 81\n  host: low\nlimits: {a: 1}\n"
    )
    high = write(folder / "high.yaml", "server: {port: 82}\n")

    explained = App.explain(
        {"TRADAI_APP_RETRIES": "2", "TRADAI_APP_SERVER__PORT": "83"},
        files=[low, high],
        overrides=["server.port=84"],
        ratio=0.25,
    )

    shown = {
        one.name: (one.variable, one.value, one.source, one.place, one.shadowed)
        for one in explained
    }
    assert shown["retries"] == (
        "TRADAI_APP_RETRIES",
        "2",
        "environment",
        "TRADAI_APP_RETRIES",
        (f"{low}:1",),
    )
    assert shown["server.port"] == (
        "TRADAI_APP_SERVER__PORT",
        "84",
        "command line",
        "command line",
        (f"{low}:3", f"{high}:1", "TRADAI_APP_SERVER__PORT"),
    )
    assert shown["server.host"][1:] == ("low", "file", f"{low}:4", ())
    assert shown["server.tags"][1:] == ("[]", "default", "default", ())
    assert shown["limits.a"][1:4] == ("1", "file", f"{low}:5")
    assert shown["ratio"][1:] == ("0.25", "argument", "argument", ())
    assert shown["is_on"][1:] == ("false", "default", "default", ())
    assert [name.partition(".")[0] for name in shown] == sorted(
        [name.partition(".")[0] for name in shown], key=list(App.model_fields).index
    )


def test_an_explanation_hides_secrets_and_what_is_not_valid(folder: Path) -> None:
    file = write(folder / "app.yaml", f"token: {FAKE}\nretries: {FAKE}\nserver: {{host: valid}}\n")

    shown = origins(App, files=[file, folder / "absent.yaml"], password=FAKE, limits={"api_key": 5})

    assert {
        name: shown[name].value for name in ("token", "retries", "password", "limits.api_key")
    } == dict.fromkeys(("token", "retries", "password", "limits.api_key"), "**********")
    assert shown["server.host"].value == "valid"
    token = origins(App, overrides=["token=env:API_KEY"])["token"]
    assert (token.value, token.place) == ("env:API_KEY", "command line")


def test_a_secret_by_its_type_alone_is_hidden() -> None:
    class Neutral(BaseSettings):
        phrase: SecretStr = SecretStr("plain")
        count: Secret[int] | None = None

    assert {one.value for one in Neutral.explain({}, count=5)} == {"**********"}


def test_a_prefix_of_ones_own_is_watched_too() -> None:
    class Bot(BaseSettings):
        model_config = SettingsConfigDict(env_prefix="ACME_BOT_")
        window: int = 5

    environ = {"ACME_BOT_WINDW": "1", "ACME_OTHER": "1", "TRADAI_APP_NAMEE": "1"}

    assert unknown_variables(environ, [Bot, App], prefixes=("TRADAI_", "ACME_BOT_")) == [
        ("ACME_BOT_WINDW", "ACME_BOT_WINDOW"),
        ("TRADAI_APP_NAMEE", "TRADAI_APP_NAME"),
    ]


def test_a_nested_variable_that_names_no_field_is_refused() -> None:
    assert refused(App, environ={"TRADAI_APP_SERVER__PROT": "1"}) == [
        "TRADAI_APP_SERVER__PROT has a key 'prot' that is not a setting; did you mean 'port'?"
    ]


def test_text_that_is_not_unicode_is_refused() -> None:
    assert "is not UTF-8 text" in refused(App, environ={"TRADAI_APP_NAME": "a\udcff"})[0]
    assert "not Unicode" in refused(App, environ={}, name="a\udcff")[0]


def test_a_whole_number_of_any_length_is_taken_and_explained() -> None:
    assert App.load(environ={}, retries=10**5000).retries == 10**5000
    assert origins(App, retries=10**5000)["retries"].value == "a value of type int"


class Digits(BaseSettings):
    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(env_prefix="TRADAI_D_")

    value: int = 0
    text: str = "-"
    items: tuple[int, ...] = ()


class Exact(BaseSettings):
    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(env_prefix="TRADAI_E_")

    fee: Decimal = Decimal(0)
    fees: tuple[Decimal, ...] = ()
    by_pair: Mapping[str, Decimal] = {}
    near: float = 0.0


DIGITS = "0.1000000000000000055511151231257827"


def test_every_digit_of_a_decimal_arrives_from_every_layer(folder: Path) -> None:
    file = write(
        folder / "e.yaml",
        f"fee: {DIGITS}\nfees: [0.5, {DIGITS}]\nby_pair: {{a: {DIGITS}}}\nnear: {DIGITS}",
    )
    environ = {
        "TRADAI_E_FEE": DIGITS,
        "TRADAI_E_FEES": f"[0.5, {DIGITS}]",
        "TRADAI_E_BY_PAIR": f'{{"a": {DIGITS}}}',
        "TRADAI_E_NEAR": DIGITS,
    }

    from_file, from_variables = Exact.load(files=[file], environ={}), Exact.load(environ=environ)

    exact, half = Decimal(DIGITS), Decimal("0.5")
    assert (from_file.fee, from_file.fees, from_file.by_pair["a"]) == (exact, (half, exact), exact)
    assert from_variables == from_file
    assert from_file.near == float(DIGITS)
    assert origins(Exact, files=[file])["fee"].value == DIGITS
    assert "TRADAI_E_FEES" in refused(Exact, environ={"TRADAI_E_FEES": f"[1e-{'9' * 30}]"})[0]


@given(st.integers(), st.text(min_size=1), st.lists(st.integers()))
def test_written_values_are_read_back(value: int, text: str, items: list[int]) -> None:
    is_clean = text == text.strip() and not any("\ud800" <= one <= "\udfff" for one in text)
    texts = {"TRADAI_D_VALUE": str(value), "TRADAI_D_ITEMS": str(items)}
    texts |= {"TRADAI_D_TEXT": text} if is_clean else {}

    read = Digits.load(environ=texts)

    assert (read.value, read.items) == (value, tuple(items))
    assert read.text == (text if is_clean else "-")
    assert read == Digits.load(
        environ={}, overrides=[f"{name[9:].lower()}={one}" for name, one in texts.items()]
    )
    assert read == Digits.load(environ={}, **read.model_dump())

"""No secret in an error of settings or of secrets: each way to fail times each place to look."""

import copy
import io
import json
import logging
import pickle
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Final, Literal
from uuid import UUID

import pydantic
import pydantic_settings
import pytest
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    FilePath,
    SecretStr,
    field_validator,
    model_validator,
)
from pydantic_settings import SettingsConfigDict

import tradai.core
from tradai.core import (
    BaseSettings,
    EnvironmentSecrets,
    FileSecrets,
    InsideFolder,
    MemoryStore,
    Secret,
    SecretReference,
    SettingOrigin,
    YamlLayer,
    backend_for,
    configure_logging,
    resolve_secret,
)
from tradai.core.exceptions import TradAIError
from tradai.core.testing import ScriptedSecrets

PLANTED: Final = "Planted+Fake/Value_47"
SOURCES: Final = str(Path(tradai.core.__file__ or "").parent)
# A part is a leak too: a message that shortens, or changes the case.
PARTS: Final = ("planted+fake", "fake/value", "value_47")


class Spot(BaseModel):
    model_config = ConfigDict(frozen=True)

    kind: Literal["spot"] = "spot"
    key: int = 0


class Margin(BaseModel):
    model_config = ConfigDict(frozen=True)

    kind: Literal["margin"] = "margin"
    key: int = 0


def _refuse_in_pieces(value: str) -> str:
    # Two ways of formatting in one message, as code of others may have.
    message = "{} and %s, {part!r} are not good" % value.upper()  # noqa: UP031
    raise ValueError(message.format(value[::-1], part=value[3:9]), value)


class Leaky(BaseSettings):
    """Every field is optional but one, so that each way to fail is alone."""

    model_config = SettingsConfigDict(env_prefix="TRADAI_LEAK_", env_nested_delimiter="__")

    bucket: str
    password: SecretStr | None = None
    token: Secret | None = None
    pin: Secret[int] | None = None
    retries: int = 0
    mode: Literal["read", "write"] = "read"
    either: int | tuple[int, ...] = 0
    nested: Spot = Spot()
    market: Annotated[Spot | Margin, Field(discriminator="kind")] = Spot()
    pairs: tuple[str, ...] = ()
    limits: Mapping[str, int] = {}
    reference: SecretReference | None = None
    inside: Annotated[Path, InsideFolder()] | None = None
    checked: str | None = None
    asserted: str | None = None
    looked_up: str | None = None
    account: UUID | None = None
    key_file: FilePath | None = None
    listed: Annotated[str, AfterValidator(_refuse_in_pieces)] | None = None
    address: Annotated[str, AfterValidator(ip_address)] | None = None

    @field_validator("checked")
    @classmethod
    def _quote(cls, value: str | None) -> str | None:
        if value:
            message = f"{value.upper()} and {value[:15]} are not good"
            raise ValueError(message)
        return value

    @field_validator("asserted")
    @classmethod
    def _assert(cls, value: str | None) -> str | None:
        assert not value, f"{value} is not good"
        return value

    @field_validator("looked_up")
    @classmethod
    def _look_up(cls, value: str | None) -> str | None:
        return {"": value}[value] if value else value

    @model_validator(mode="after")
    def _quote_all(self) -> "Leaky":
        if self.bucket == PLANTED:
            message = f"{self!r} {self.bucket} is not good"
            raise ValueError(message)
        return self


Way = Callable[[Path], object]


def _environ(**variables: str) -> dict[str, str]:
    given = {f"TRADAI_LEAK_{name.upper()}": value for name, value in variables.items()}
    return {"TRADAI_LEAK_BUCKET": "lake"} | given


def _load(**variables: str) -> Way:
    return lambda _folder: Leaky.load(environ=_environ(**variables))


def _override(*texts: str) -> Way:
    return lambda _folder: Leaky.load(environ=_environ(), overrides=texts)


def _argue(**arguments: object) -> Way:
    # Arguments of any type, right or wrong.
    return lambda _folder: Leaky.load(environ=_environ(), **arguments)  # type: ignore[arg-type]


def _file(text: str) -> Way:
    def load(folder: Path) -> object:
        (folder / "app.yaml").write_text(text, encoding="utf-8")
        return Leaky.load(files=[folder / "app.yaml"], environ=_environ())

    return load


def _stored(data: bytes) -> Way:
    def load(folder: Path) -> object:
        del folder
        store = MemoryStore()
        store.write("memory:app.yaml", data)
        return Leaky.load(files=[YamlLayer("memory:app.yaml", store=store)], environ=_environ())

    return load


def _refused_store(folder: Path) -> object:
    (folder / "file").write_text("x", encoding="utf-8")
    environ = _environ(password=PLANTED)
    return Leaky.load(
        files=[folder / "file" / "below"],
        environ=environ,
        overrides=[f"password={PLANTED}"],
        token=PLANTED,
    )


def _secret_file(data: bytes, mode: int) -> Way:
    def resolve(folder: Path) -> object:
        (folder / "secret").write_bytes(data)
        (folder / "secret").chmod(mode)
        return FileSecrets().resolve(f"file:{folder}/secret")

    return resolve


def _part(reference: str, *, kind: type[object] = str, value: str) -> Way:
    asked = SecretReference(reference)
    script = {str(asked.whole): value}
    return lambda _folder: resolve_secret(asked, kind=kind, source=ScriptedSecrets(script))


WAYS: Final[dict[str, Way]] = {
    "missing beside secrets": lambda _: Leaky.load(
        environ={"TRADAI_LEAK_PASSWORD": PLANTED, "TRADAI_LEAK_TOKEN": PLANTED}
    ),
    "missing beside an argument": lambda _: Leaky.load(environ={}, password=PLANTED),
    "wrong type in a variable": _load(retries=PLANTED),
    "wrong literal": _load(mode=PLANTED),
    "wrong type of a secret": _load(pin=PLANTED),
    "wrong type in an argument": _argue(retries=PLANTED),
    "wrong type of an object": _argue(retries=SecretStr(PLANTED)),
    "nested wrong type": _load(nested__key=PLANTED),
    "nested wrong type in a file": _file(f"nested:\n  key: {PLANTED}\n"),
    "union": _load(either=PLANTED),
    "union in a file": _file(f"either: [{PLANTED}]\n"),
    "union by a tag": _load(market=json.dumps({"kind": PLANTED})),
    "validator that quotes": _load(checked=PLANTED),
    "assertion that quotes": _load(asserted=PLANTED),
    "validator that fails": _load(looked_up=PLANTED),
    "validator that fails in an argument": _argue(looked_up=PLANTED),
    "validator that quotes in pieces": _load(listed=PLANTED),
    "validator of the standard library": _load(address=PLANTED),
    "path that the system refuses": _load(key_file=PLANTED * 300),
    "path that the system refuses, in a file": _file(f"key_file: {PLANTED * 300}\n"),
    "nested variable that nothing reads": _load(retries__x=PLANTED),
    "object of another class": _argue(bucket=[PLANTED], nested=PLANTED, account=PLANTED.encode()),
    "validator of the model": _load(bucket=PLANTED),
    "bad YAML": _file(f"retries: [{PLANTED}\n"),
    "bad YAML, a tag": _file(f"retries: !{PLANTED[:7]} {PLANTED}\n"),
    "bad YAML, bytes": _stored(f"password: {PLANTED}\0\n".encode()),
    "bad JSON": _load(pairs=f'["{PLANTED}"'),
    "bad JSON, a key twice": _load(limits=f'{{"a": "{PLANTED}", "a": 1}}'),
    "wrong type in JSON": _load(limits=f'{{"{PLANTED}": "{PLANTED}"}}'),
    "bad content of a store": _stored(f"[{PLANTED}]".encode()),
    "bad content of a store, not UTF-8": _stored(PLANTED.encode() + b"\xff\xfe"),
    "bad override": _override(PLANTED),
    "bad override, a key": _override(f"{PLANTED}=5", f"nested.{PLANTED}=5"),
    "bad override, a value": _override(f"retries={PLANTED}"),
    "bad override, padded": _override(f"password= {PLANTED}"),
    "padded variable": _load(password=f"{PLANTED} "),
    "unknown key in a file": _file(f"pasword: {PLANTED}\n{PLANTED[:7]}x: 1\n"),
    "unknown key, planted": _file(f"nested: {{'{PLANTED}': 5}}\n"),
    "unknown argument": _argue(pasword=PLANTED),
    "not Unicode": _argue(password=f"{PLANTED}\udcff"),
    "store that refuses": _refused_store,
    "literal for a reference": _load(reference=PLANTED),
    "literal for a reference, like one": _load(reference=f"postgres://user:{PLANTED}@host/db"),
    "literal for a reference, in a file": _file(f"reference: {PLANTED}\n"),
    "path that is absolute": _load(inside=f"/{PLANTED}"),
    "path that leaves": _file(f"inside: ../{PLANTED}\n"),
    "path that is not there": _load(inside=PLANTED),
    "reference by hand": lambda _: SecretReference(PLANTED),
    "variable by a literal": lambda _: EnvironmentSecrets({}).resolve(PLANTED),
    "file by a literal": lambda _: FileSecrets().resolve(PLANTED),
    "backend by a literal": lambda _: backend_for("tradai.secrets", f"fakescheme:{PLANTED}"),
    "blank secret in a variable": lambda _: EnvironmentSecrets({"A": " ", "B": PLANTED}).resolve(
        "env:A"
    ),
    "careless secret in a file": _secret_file(PLANTED.encode(), 0o644),
    "binary secret in a file": _secret_file(PLANTED.encode() + b"\0", 0o600),
    "key of what is not JSON": _part("aws-sm:a#key", value=PLANTED),
    "key that is not there": _part("aws-sm:a#key", value=json.dumps({PLANTED: PLANTED})),
    "part that is no text": _part("aws-sm:a#key", value=json.dumps({"key": [PLANTED]})),
    "part of the wrong type": _part("aws-sm:a#key", kind=int, value=json.dumps({"key": PLANTED})),
    "whole of the wrong type": _part("aws-sm:a", kind=Spot, value=json.dumps({"key": PLANTED})),
}


def _raised(way: Way, folder: Path) -> TradAIError:
    with pytest.raises(TradAIError) as caught:
        way(folder)
    return caught.value


def _traceback(error: BaseException) -> str:
    # Its lines of this file spell no value: what is planted has a name here.
    return "".join(traceback.format_exception(error))


def _locals(error: BaseException) -> list[object]:
    """Return what the frames of tradai hold; others hold what the caller gave them."""
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    ours = [frame for frame in shown.stack if frame.filename.startswith(SOURCES)]
    assert ours
    return [frame.locals for frame in ours]


def _line(error: BaseException, folder: Path, form: Literal["json", "console"]) -> str:
    del folder
    stream = io.StringIO()
    configure_logging(format=form, level="DEBUG", stream=stream)
    logging.getLogger("tradai").error("refused: %s", error, exc_info=error, extra={"error": error})
    return stream.getvalue()


def _chain(error: BaseException) -> Iterator[BaseException]:
    for one in (error.__cause__, error.__context__):
        if one is not None:
            yield one
            yield from _chain(one)


Place = Callable[[TradAIError, Path], object]

PLACES: Final[dict[str, Place]] = {
    "str": lambda error, _: str(error),
    "repr": lambda error, _: repr(error),
    "args": lambda error, _: error.args,
    "notes": lambda error, _: getattr(error, "__notes__", []),
    "cause": lambda error, _: [(one, vars(one), one.args) for one in _chain(error)],
    "context": lambda error, _: [repr(one) for one in _chain(error)],
    "fields": lambda error, _: vars(error),
    "f-string": lambda error, _: f"{error} {error!r} {error!s:>80}",
    "JSON": lambda error, _: json.dumps({"error": str(error)} | vars(error), default=repr),
    "pickle": lambda error, _: pickle.dumps(error).decode("latin-1"),
    "copy": lambda error, _: repr(copy.deepcopy(error)),
    "traceback": lambda error, _: _traceback(error),
    "locals": lambda error, _: _locals(error),
    "log as JSON": lambda error, folder: _line(error, folder, "json"),
    "log on a console": lambda error, folder: _line(error, folder, "console"),
}


@pytest.fixture(autouse=True)
def _own_logging() -> Iterator[None]:
    root = logging.getLogger()
    before = (root.level, root.handlers[:])
    yield
    root.setLevel(before[0])
    root.handlers[:] = before[1]


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def _nothing_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have nothing masked by value: what is shown is what was written."""
    monkeypatch.setattr("tradai.core._secrets.secret.register_secret", lambda _value: None)


def _leaks(shown: object) -> list[str]:
    text = str(shown).casefold()
    return [part for part in PARTS if part in text]


@pytest.mark.parametrize("way", WAYS)
def test_no_error_shows_a_secret_in_any_place(way: str, tmp_path: Path) -> None:
    error = _raised(WAYS[way], tmp_path)

    leaks = {name: _leaks(look(error, tmp_path)) for name, look in PLACES.items()}

    assert {name: found for name, found in leaks.items() if found} == {}


def test_not_even_a_character_of_a_value_is_shown(tmp_path: Path) -> None:
    error = _raised(_load(account="\N{SNOWMAN}"), tmp_path)

    assert str(error) == "TRADAI_LEAK_ACCOUNT must be a UUID"


def test_settings_made_from_the_environment_of_the_process_show_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("RETRIES", "CHECKED", "PAIRS", "REFERENCE", "PASSWORD"):
        monkeypatch.setenv(f"TRADAI_LEAK_{name}", PLANTED)

    error = _raised(lambda _: Leaky.model_validate({"token": PLANTED, "pin": PLANTED}), tmp_path)

    assert str(error).startswith("6 problems")
    assert [name for name, look in PLACES.items() if _leaks(look(error, tmp_path))] == []


class Plain(pydantic_settings.BaseSettings):
    """Behaviour of pydantic-settings by itself with the first way to fail."""

    model_config = SettingsConfigDict(env_prefix="TRADAI_LEAK_")

    bucket: str
    password: SecretStr


@pytest.mark.parametrize("place", ["str", "repr", "f-string", "traceback", "log as JSON"])
def test_these_places_do_show_the_secret_of_an_error_of_pydantic_settings(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRADAI_LEAK_PASSWORD", PLANTED)

    with pytest.raises(pydantic.ValidationError) as caught:
        # The bucket is what is missing.
        Plain()  # type: ignore[call-arg]

    # Not one of our errors, but looked at in the same way.
    error: TradAIError = caught.value  # type: ignore[assignment]
    assert _leaks(PLACES[place](error, tmp_path)) != []


def _explained(way: Way, folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[SettingOrigin]:
    found: list[SettingOrigin] = []

    def explain(*, environ: Mapping[str, str], **layers: object) -> None:
        found.extend(Leaky.explain(environ, **layers))  # type: ignore[arg-type]

    monkeypatch.setattr(Leaky, "load", explain)
    with suppress(TradAIError):
        way(folder)
    return found


@pytest.mark.parametrize("way", WAYS)
def test_no_explanation_shows_a_secret(
    way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    explained = _explained(WAYS[way], tmp_path, monkeypatch)

    # Neither is a secret: only validators that name no field think that they are not good.
    shown = [one for one in explained if one.name not in {"bucket", "looked_up"}]
    assert _leaks(shown) == []

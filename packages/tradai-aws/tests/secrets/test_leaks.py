"""Secrets are shown by `reveal` only: every object returned, looked at in every way.

Code that reads private attributes can read anything, and is not tested here.
"""

import asyncio
import copy
import faulthandler
import gc
import io
import json
import logging
import pickle
import pprint
import string
import sys
import tempfile
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Final, NoReturn

import pytest
from botocore.exceptions import ClientError
from pydantic import BaseModel, ConfigDict, SecretStr
from pydantic_core import to_json

import tradai.aws
from tradai.aws import AwsError, AwsSettings, SecretsEditor, SecretsManager
from tradai.aws.testing import FakeSecretsClient
from tradai.core import Secret, configure_logging
from tradai.core.exceptions import TradAIError

PLANTED: Final = "Planted+Fake/Value_47"
NAME: Final = "trading/binance"
# An escaped, encoded or truncated value is a leak too. The last part is its middle in Base64.
PARTS: Final = ("planted+fake", "fake/value", "fake\\/value", "value_47", "rlzctgywtll1zhbhv")


class ExchangeKeys(BaseModel):
    model_config = ConfigDict(frozen=True)

    key: SecretStr
    secret: SecretStr


def _leaks(shown: object) -> list[str]:
    text = (shown if isinstance(shown, str) else repr(shown)).casefold()
    return [part for part in PARTS if part in text]


@pytest.fixture(autouse=True)
def _nothing_masked_by_value(monkeypatch: pytest.MonkeyPatch) -> None:
    """Turn redaction by value off, which would hide a leak from this suite."""
    monkeypatch.setattr("tradai.core._secrets.secret.register_secret", lambda _value: None)


@pytest.fixture(autouse=True)
def _planted(aws: FakeSecretsClient) -> None:
    aws.keep(NAME, json.dumps({"key": PLANTED, "secret": PLANTED}))


@pytest.fixture
def reader(aws: FakeSecretsClient, endpoint: str) -> SecretsManager:
    """A manager that reads the planted value through boto3."""
    settings = AwsSettings(region="eu-central-1", endpoint_url=endpoint, max_attempts=1)
    return SecretsManager(settings, clock=aws.clock)


THINGS: Final[dict[str, Callable[[SecretsManager], object]]] = {
    "the whole": lambda secrets: secrets.get(NAME),
    "a part": lambda secrets: secrets.get(f"{NAME}#key"),
    "a model, held": lambda secrets: secrets.get(NAME, as_=ExchangeKeys),
    "a model, revealed": lambda secrets: secrets.get(NAME, as_=ExchangeKeys).reveal(),
    "what is known of it": lambda secrets: (secrets.get(NAME), secrets.states())[1],
    "the manager": lambda secrets: (secrets.get(NAME), secrets)[1],
}


def _pickled(thing: object) -> object:
    # A revealed model is pickled by pydantic, which tradai does not change.
    if isinstance(thing, ExchangeKeys):
        return None
    try:
        return pickle.dumps(thing)
    except TypeError as exc:
        return exc.args


def _logged(log: Callable[[logging.Logger], None]) -> str:
    """Return the output of plain `logging`, and every field of the record."""
    stream = io.StringIO()

    class Everything(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            return f"{super().format(record)} {vars(record)!r}"

    handler = logging.StreamHandler(stream)
    handler.setFormatter(Everything())
    logger = logging.getLogger("leaks")
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    log(logger)
    logger.removeHandler(handler)
    return stream.getvalue()


def _as_our_line(thing: object) -> str:
    stream = io.StringIO()
    root = logging.getLogger()
    before = (root.level, root.handlers[:])
    configure_logging(level="DEBUG", stream=stream)
    root.info("got %s", thing, extra={"got": thing, "all": [{"it": thing}]})
    root.setLevel(before[0])
    root.handlers[:] = before[1]
    return stream.getvalue()


def _warned(thing: object) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.warn(f"{thing} {thing!r}", UserWarning, stacklevel=1)
    return [str(one.message) for one in caught]


def _asserted(thing: object) -> str:
    """Return pytest's message for a comparison that fails; it has rewritten this very line."""
    try:
        assert thing == "something else", thing
    except AssertionError as exc:
        return f"{exc} {exc.args!r}"
    return ""


def _public(thing: object, depth: int = 2) -> Iterator[str]:
    """Yield the text of everything that can be reached without calling anything.

    Private names count too, but for those of a secret itself.
    """
    yield repr(thing)
    for name in dir(thing):
        if isinstance(thing, Secret | SecretStr | BaseModel) and name.startswith("_"):
            continue
        with suppress(AttributeError), warnings.catch_warnings(action="ignore"):
            found = getattr(thing, name)
            yield f"{name}={found!r}"
            if depth and not name.startswith("_"):
                yield from _public(found, depth - 1)


def _frames_of_a_thread(thing: object) -> list[str]:
    """Return the local variables of a thread that works with `thing`, as a debugger shows them."""
    arrived, leave = threading.Event(), threading.Event()

    def work(mine: object) -> object:
        arrived.set()
        leave.wait()
        return mine

    thread = threading.Thread(target=work, args=(thing,))
    thread.start()
    arrived.wait()
    # The only way to look at another thread; profilers and crash reporters use it.
    frame = sys._current_frames()[thread.ident or 0]  # noqa: SLF001
    shown = [repr(one.f_locals) for one, _ in traceback.walk_stack(frame)]
    leave.set()
    thread.join()
    return shown


def _dumped(thing: object) -> bytes:
    with tempfile.TemporaryFile() as file:
        faulthandler.dump_traceback(file)
        file.seek(0)
        return file.read() + repr(thing).encode()


def _fail(*things: object) -> NoReturn:
    raise ValueError(*things)


def _traceback(thing: object) -> str:
    try:
        _fail(thing, f"{thing!s:>40}")
    except ValueError as exc:
        shown = traceback.TracebackException.from_exception(exc, capture_locals=True)
        return "".join(shown.format())


def _chained(thing: object) -> str:
    try:
        try:
            _fail(thing)
        except ValueError as exc:
            raise OSError(str(thing)) from exc
    except OSError as exc:
        return "".join(traceback.format_exception(exc)) + repr((exc.__cause__, exc.__context__))


def _unhandled(thing: object) -> str:
    said: list[str] = []

    async def fail() -> None:
        raise ValueError(thing)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: said.append(repr(context)))
        task = asyncio.create_task(fail())
        await asyncio.wait([task])
        loop.call_exception_handler(
            {"message": "lost", "exception": task.exception(), "task": task, "of": thing}
        )
        said.append(f"{task!r} {task.exception()!r}")

    asyncio.run(main())
    return "".join(said)


def _dumped_by_pydantic(thing: object) -> list[object]:
    if isinstance(thing, BaseModel):
        return [thing.model_dump(), thing.model_dump_json(), str(thing.model_fields_set)]
    if not isinstance(thing, Secret):
        return [to_json(thing, fallback=repr)]

    class Holder(BaseModel, frozen=True):
        held: Secret[object]

    holder = Holder(held=thing)
    return [holder, holder.model_dump(), holder.model_dump_json(), holder.model_copy()]


def _printed(thing: object) -> str:
    stream = io.StringIO()
    print(thing, [thing], file=stream)
    return stream.getvalue()


LOOKS: Final[dict[str, Callable[[object], object]]] = {
    "repr": repr,
    "str": str,
    "f-string": lambda thing: f"{thing} {thing!r} {thing!s:>60}",
    "format": lambda thing: format(thing) + " {!r} {}".format(*[thing] * 2),
    # Old log calls are formatted like this.
    "percent": lambda thing: "%s %r %a" % (thing, thing, thing),  # noqa: UP031
    "template": lambda thing: string.Template("$it").substitute(it=thing),
    "inside containers": lambda thing: [(thing,), {"key": thing}, {"nested": [thing]}],
    "pprint": pprint.pformat,
    "JSON": lambda thing: (
        json.dumps({"it": thing}, default=str) + json.dumps([thing], default=repr)
    ),
    "pickle": _pickled,
    "copy": lambda thing: repr(copy.copy(thing)),
    "deepcopy": lambda thing: repr(copy.deepcopy(thing)),
    "hash": lambda thing: repr(type(thing).__hash__),
    "vars": lambda thing: getattr(thing, "__dict__", None),
    "dir and getattr": lambda thing: list(_public(thing)),
    "help": lambda thing: f"{thing.__doc__} {getattr(type(thing), '__annotations__', None)}",
    # Not our style, but common in other code.
    "log message": lambda thing: _logged(lambda log: log.info(f"got {thing}")),  # noqa: G004
    "log arguments": lambda thing: _logged(lambda log: log.info("got %s %r", thing, thing)),
    "log extra": lambda thing: _logged(lambda log: log.info("got", extra={"it": thing})),
    "our own log": _as_our_line,
    "print": _printed,
    "warning": _warned,
    "assertion": _asserted,
    "traceback with locals": _traceback,
    "cause and context": _chained,
    "exception of a task": _unhandled,
    "frames of a thread": _frames_of_a_thread,
    "faulthandler": _dumped,
    "pydantic": _dumped_by_pydantic,
    "arguments of an exception": lambda thing: (ValueError(thing).args, repr(ValueError(thing))),
}
NOT_FOR_TEXT: Final = {"hash", "help", "vars", "dir and getattr", "pydantic"}


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("thing", THINGS)
def test_no_object_returned_to_a_caller_shows_a_value(
    thing: str, look: str, secrets: SecretsManager
) -> None:
    shown = LOOKS[look](THINGS[thing](secrets))

    assert _leaks(shown) == []


@pytest.mark.parametrize("look", [look for look in LOOKS if look not in NOT_FOR_TEXT])
def test_each_look_shows_a_value_that_is_plain_text(look: str) -> None:
    assert _leaks(LOOKS[look](PLANTED)) != []


class Plain(BaseModel):
    key: str


@pytest.mark.parametrize("look", ["vars", "dir and getattr", "pydantic"])
def test_these_looks_show_a_value_that_is_plain_text_in_an_object(look: str) -> None:
    assert _leaks(LOOKS[look](Plain(key=PLANTED))) != []


@pytest.fixture
def everything_logged(caplog: pytest.LogCaptureFixture) -> Callable[[], str]:
    """Return all that botocore, urllib3 and we log at DEBUG, with all that is in the records."""
    caplog.set_level(logging.DEBUG)
    for name in list(logging.root.manager.loggerDict):
        if name.startswith(("boto", "urllib3", "tradai")):
            caplog.set_level(logging.DEBUG, logger=name)
    return lambda: "".join(f"{one.getMessage()} {vars(one)!r}" for one in caplog.records)


def test_reading_shows_no_value_in_the_logs_of_boto3(
    reader: SecretsManager, everything_logged: Callable[[], str]
) -> None:
    reader.get(NAME)
    reader.prefetch([f"{NAME}@AWSCURRENT", "nothing"])

    shown = everything_logged()

    assert "Response body" in shown
    assert "Making request for OperationModel" in shown
    assert _leaks(shown) == []


def test_a_batch_shows_no_value_in_the_logs_of_boto3(
    aws: FakeSecretsClient, reader: SecretsManager, everything_logged: Callable[[], str]
) -> None:
    aws.keep("bytes", PLANTED.encode())

    assert reader.prefetch([NAME, "bytes"]).keys() == {"bytes"}

    shown = everything_logged()
    assert "BatchGetSecretValue" in shown
    assert _leaks(shown) == []


def test_writing_shows_no_value_in_the_logs_of_boto3(
    aws: FakeSecretsClient, endpoint: str, everything_logged: Callable[[], str]
) -> None:
    editor = SecretsEditor(AwsSettings(region="eu-central-1", endpoint_url=endpoint))

    editor.create("new", Secret(PLANTED))
    editor.move_stage("new", editor.put("new", Secret(f"{PLANTED}2"), stage="AWSPENDING"))

    shown = everything_logged()
    assert "Making request for OperationModel(name=PutSecretValue)" in shown
    assert _leaks(shown) == []
    assert len(aws.calls) == 4


def _quoting(operation: str) -> ClientError:
    facts = {"Error": {"Code": "InvalidRequestException", "Message": f"not {PLANTED}"}}
    # AWS does not do this; a proxy between us and AWS may.
    return ClientError(facts, operation)  # type: ignore[arg-type]


@pytest.mark.parametrize("status", [400, 500])
def test_a_refusal_that_quotes_the_value_shows_none_in_the_logs_of_boto3(
    status: int,
    aws: FakeSecretsClient,
    endpoint: str,
    reader: SecretsManager,
    everything_logged: Callable[[], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(**_: object) -> NoReturn:
        facts = _quoting("any").response | {"ResponseMetadata": {"HTTPStatusCode": status}}
        # The types ask for fields that no test reads.
        raise ClientError(facts, "any")  # type: ignore[arg-type]

    for operation in ("get_secret_value", "put_secret_value"):
        monkeypatch.setattr(aws, operation, refuse)
    settings = AwsSettings(region="eu-central-1", endpoint_url=endpoint, max_attempts=1)

    with pytest.raises(TradAIError):
        reader.get(NAME)
    with pytest.raises(TradAIError):
        SecretsEditor(settings).put(NAME, Secret(PLANTED))

    shown = everything_logged()
    assert "OperationModel(name=PutSecretValue)" in shown
    assert _leaks(shown) == []


class Quoting:
    """A client whose errors quote a value."""

    def __getattr__(self, operation: str) -> Callable[..., object]:
        def refuse(**_: object) -> object:
            raise _quoting(operation)

        return refuse


class Broken:
    """A client that fails with an unexpected error."""

    def __getattr__(self, _: str) -> Callable[..., object]:
        def fail(**_: object) -> object:
            raise OSError(PLANTED)

        return fail


def _storing(value: str | bytes, ask: Callable[[SecretsManager], object]) -> Callable[[], object]:
    def way() -> object:
        aws = FakeSecretsClient()
        aws.keep(NAME, value)
        return ask(SecretsManager(client=aws))

    return way


# Wrong on purpose: this is not a client.
def _quoted() -> SecretsManager:
    return SecretsManager(client=Quoting())  # type: ignore[arg-type]


WAYS: Final[dict[str, Callable[[], object]]] = {
    "binary": _storing(PLANTED.encode(), lambda it: it.get(NAME)),
    "no JSON, a key": _storing(PLANTED, lambda it: it.get(f"{NAME}#key")),
    "no JSON, a model": _storing(PLANTED, lambda it: it.get(NAME, as_=ExchangeKeys)),
    "key missing": _storing(json.dumps({PLANTED: PLANTED}), lambda it: it.get(f"{NAME}#key")),
    "wrong type": _storing(json.dumps({"key": [PLANTED]}), lambda it: it.get(f"{NAME}#key")),
    "wrong model": _storing(
        json.dumps({"key": PLANTED, "secret": [PLANTED]}),
        lambda it: it.get(NAME, as_=ExchangeKeys),
    ),
    "a value for a name": lambda: SecretsManager(client=FakeSecretsClient()).get(f"{PLANTED} x"),
    "a value for a reference": lambda: SecretsManager(client=FakeSecretsClient()).resolve(PLANTED),
    "AWS quotes it": lambda: _quoted().get(NAME),
    "AWS quotes it in a batch": lambda: _raised_by(_quoted().prefetch([NAME])),
    "AWS quotes what is written": lambda: SecretsEditor(
        # Wrong on purpose: this is not a client.
        client=Quoting()  # type: ignore[arg-type]
    ).put(NAME, Secret(PLANTED)),
    # Wrong on purpose: this is not a client.
    "an unexpected error": lambda: SecretsManager(client=Broken()).get(NAME),  # type: ignore[arg-type]
    "too long": lambda: SecretsEditor(client=FakeSecretsClient()).put(NAME, Secret(PLANTED * 4000)),
    "a value for a name to write": lambda: SecretsEditor(client=FakeSecretsClient()).put(
        f"{PLANTED} x", Secret(PLANTED)
    ),
}


def _raised_by(failed: dict[str, TradAIError]) -> object:
    raise failed[NAME]


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _locals_of_ours(error: BaseException) -> list[object]:
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    sources = str(tradai.aws.__file__).removesuffix("__init__.py")
    return [frame.locals for frame in shown.stack if frame.filename.startswith(sources)]


PLACES: Final[dict[str, Callable[[TradAIError], object]]] = {
    "str": str,
    "repr": repr,
    "args": lambda error: error.args,
    "fields": vars,
    "notes": lambda error: getattr(error, "__notes__", []),
    "chain": lambda error: [(repr(one), one.args, vars(one)) for one in _chain(error)],
    "pickle": lambda error: pickle.dumps(error).decode("latin-1"),
    "traceback": lambda error: "".join(traceback.format_exception(error)),
    "locals": _locals_of_ours,
    "log": lambda error: _logged(lambda log: log.error("failed: %s", error, exc_info=error)),
}


@pytest.mark.parametrize("way", WAYS)
def test_no_error_shows_a_value_in_any_place(way: str) -> None:
    with pytest.raises(TradAIError) as caught:
        WAYS[way]()

    found = {name: _leaks(look(caught.value)) for name, look in PLACES.items()}
    # A name is not a secret, so local variables may hold it; a message must not quote it.
    if way.startswith("a value for a name"):
        del found["locals"]

    assert {name: leaks for name, leaks in found.items() if leaks} == {}


def test_no_error_that_is_still_in_memory_contains_a_value() -> None:
    errors = []
    for way in WAYS.values():
        with pytest.raises(TradAIError) as caught:
            way()
        errors.append(caught.value)

    # Objects in memory are found in a memory dump of the process.
    # By its type: a weak reference that another test left asks an object that may be gone.
    kinds = (TradAIError, ClientError)
    alive = [one for one in gc.get_objects() if issubclass(type(one), kinds)]
    held = [(one.args, vars(one), getattr(one, "response", None)) for one in alive]

    assert len(alive) >= len(errors)
    assert _leaks(held) == []


def test_a_truncated_response_is_quoted_nowhere(
    aws: FakeSecretsClient,
    reader: SecretsManager,
    everything_logged: Callable[[], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cut = f'{{"SecretString": "{PLANTED}'.encode()
    monkeypatch.setattr(aws, "get_secret_value", lambda **_: cut)

    with pytest.raises(AwsError, match="got no answer") as caught:
        reader.get(NAME)

    assert caught.value.retryable
    assert {name: _leaks(look(caught.value)) for name, look in PLACES.items()} == {
        name: [] for name in PLACES
    }
    assert _leaks(everything_logged()) == []


def test_the_exception_of_a_background_refresh_reaches_no_hook(
    aws: FakeSecretsClient, finish_refreshes: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    lost: list[object] = []
    monkeypatch.setattr(threading, "excepthook", lost.append)
    aws.keep(NAME, PLANTED)
    secrets = SecretsManager(client=aws, clock=aws.clock)
    secrets.get(NAME)
    aws.clock.advance(300)

    def fail(**_: object) -> object:
        raise OSError(PLANTED)

    monkeypatch.setattr(aws, "get_secret_value", fail)
    secrets.get(NAME)
    finish_refreshes()

    assert lost == []
    assert _leaks(secrets.states()) == []

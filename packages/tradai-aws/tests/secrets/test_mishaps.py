"""What clients, clocks and handlers of logs do wrong leaves nobody waiting and shows no value."""

import logging
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import pytest

from tradai.aws import AwsError, SecretsEditor, SecretsManager
from tradai.aws.testing import FakeSecretsClient
from tradai.core import Secret
from tradai.core.exceptions import NotFoundError, ValidationError

NAME: Final = "trading/binance"
PLANTED: Final = "fake-and-planted"
# A reader that waits for ever is a failure of the test, and not its end.
PATIENCE_S: Final = 60


class Client:
    """A client that does the same whatever it is asked."""

    def __init__(self, do: Callable[[], object]) -> None:
        self._do = do

    def __getattr__(self, operation: str) -> Callable[..., object]:
        return lambda **_: self._do()


def _manager(do: Callable[[], object]) -> SecretsManager:
    # Wrong on purpose.
    return SecretsManager(client=Client(do))  # type: ignore[arg-type]


def _soon(read: Callable[[], object]) -> BaseException | None:
    return ThreadPoolExecutor(1).submit(read).exception(PATIENCE_S)


def _exit() -> None:
    raise SystemExit


def test_a_client_that_ends_its_thread_leaves_nobody_waiting() -> None:
    secrets = _manager(_exit)

    assert isinstance(_soon(lambda: secrets.get(NAME)), AwsError)
    assert isinstance(_soon(lambda: secrets.get(NAME)), AwsError)


def test_a_clock_that_fails_leaves_nobody_waiting(aws: FakeSecretsClient) -> None:
    told = iter([0.0, 1.0])
    secrets = SecretsManager(client=aws, clock=lambda: next(told))

    assert isinstance(_soon(lambda: secrets.get(NAME)), AwsError)


def test_a_client_that_asks_for_what_it_reads_is_refused() -> None:
    secrets = _manager(lambda: secrets.get(NAME))

    error = _soon(lambda: secrets.get(NAME))

    assert isinstance(error, AwsError)
    assert error.reason == "RecursionError"


def test_a_handler_of_logs_may_need_the_secret_that_is_missing(
    secrets: SecretsManager,
) -> None:
    failures: list[str] = []

    class Sender(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            try:
                secrets.get(NAME)
            except NotFoundError as exc:
                failures.append(f"{record.getMessage()}: {exc}")

    handler, logger = Sender(), logging.getLogger()
    logger.addHandler(handler)
    try:
        assert _soon(lambda: logging.getLogger("x").warning("needs sending")) is None
    finally:
        logger.removeHandler(handler)
    assert failures


def test_an_arn_is_not_taken_for_the_name_of_another(
    aws: FakeSecretsClient, secrets: SecretsManager
) -> None:
    aws.keep("foo", "fake-value-of-foo")
    arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:foo-AbCdEf"
    aws.keep("foo-AbCdEf", "fake-value-of-another")

    assert secrets.prefetch([arn, "foo-AbCdEf"]) == {}

    assert secrets.get(arn).reveal() == "fake-value-of-foo"
    assert secrets.get("foo-AbCdEf").reveal() == "fake-value-of-another"


def test_half_an_answer_of_many_is_an_outage_that_shows_nothing() -> None:
    half = {"SecretValues": [{"Name": NAME, "SecretString": PLANTED}], "SecretString": PLANTED}

    error = _manager(lambda: half).prefetch([NAME])[NAME]

    assert isinstance(error, AwsError)
    assert error.retryable
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    assert PLANTED not in "".join(shown.format())


def test_what_no_rule_foresaw_is_an_error_for_each_of_many() -> None:
    def fail() -> object:
        raise RuntimeError(PLANTED)

    error = _manager(fail).prefetch([NAME])[NAME]

    assert isinstance(error, AwsError)
    assert PLANTED not in str(error)


@pytest.mark.parametrize("name", [None, 1, b"a"])
def test_what_is_no_text_is_no_name(name: str, secrets: SecretsManager) -> None:
    with pytest.raises(ValidationError, match="name of a secret"):
        secrets.get(name)
    with pytest.raises(ValidationError, match="name of a secret"):
        secrets.prefetch([name])


@pytest.mark.parametrize("text", [f"{PLANTED}\ud800", {"key": PLANTED}], ids=["half", "dict"])
def test_what_cannot_be_written_is_refused_unseen(text: str, aws: FakeSecretsClient) -> None:
    editor, value = SecretsEditor(client=aws), Secret(text)

    for write in (editor.create, editor.put):
        with pytest.raises(ValidationError, match="no text that UTF-8 can write") as caught:
            write(NAME, value)
        shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
        assert PLANTED not in str([one.locals for one in shown.stack if "/src/" in one.filename])
    assert aws.calls == []


@pytest.mark.parametrize(
    "write",
    [
        lambda editor: editor.create(NAME, Secret(PLANTED)),
        lambda editor: editor.put(NAME, Secret(PLANTED)),
        lambda editor: editor.move_stage(NAME, "version"),
        lambda editor: editor.delete(NAME),
    ],
    ids=["create", "put", "move", "delete"],
)
def test_an_answer_that_names_nothing_says_to_look_first(
    write: Callable[[SecretsEditor], object],
) -> None:
    # Wrong on purpose.
    editor = SecretsEditor(client=Client(dict))  # type: ignore[arg-type]

    with pytest.raises(AwsError, match="look at the secret") as caught:
        write(editor)

    assert not caught.value.retryable

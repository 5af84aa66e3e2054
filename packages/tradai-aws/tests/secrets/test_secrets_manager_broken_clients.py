"""Broken clients, clocks and log handlers: readers get an error, and no value is shown."""

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
# A reader that waits for ever fails the test after this time.
PATIENCE_S: Final = 60


class Client:
    """A client that does the same for every operation."""

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


def test_readers_get_an_error_when_a_client_ends_its_thread() -> None:
    secrets = _manager(_exit)

    assert isinstance(_soon(lambda: secrets.get(NAME)), AwsError)
    assert isinstance(_soon(lambda: secrets.get(NAME)), AwsError)


def test_readers_get_an_error_when_the_clock_fails(aws: FakeSecretsClient) -> None:
    times = iter([0.0, 1.0])
    secrets = SecretsManager(client=aws, clock=lambda: next(times))

    assert isinstance(_soon(lambda: secrets.get(NAME)), AwsError)


def test_a_client_that_asks_for_the_secret_it_reads_gets_an_error() -> None:
    secrets = _manager(lambda: secrets.get(NAME))

    error = _soon(lambda: secrets.get(NAME))

    assert isinstance(error, AwsError)
    assert error.reason == "RecursionError"


def test_a_log_handler_may_need_the_missing_secret(
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


def test_a_truncated_batch_is_an_outage_without_values() -> None:
    half = {"SecretValues": [{"Name": NAME, "SecretString": PLANTED}], "SecretString": PLANTED}

    error = _manager(lambda: half).prefetch([NAME])[NAME]

    assert isinstance(error, AwsError)
    assert error.retryable
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    assert PLANTED not in "".join(shown.format())


def test_an_unexpected_error_of_a_batch_is_an_error_of_each_secret() -> None:
    def fail() -> object:
        raise RuntimeError(PLANTED)

    error = _manager(fail).prefetch([NAME])[NAME]

    assert isinstance(error, AwsError)
    assert PLANTED not in str(error)


@pytest.mark.parametrize("name", [None, 1, b"a"])
def test_a_name_must_be_text(name: str, secrets: SecretsManager) -> None:
    with pytest.raises(ValidationError, match="name of a secret"):
        secrets.get(name)
    with pytest.raises(ValidationError, match="name of a secret"):
        secrets.prefetch([name])


@pytest.mark.parametrize("text", [f"{PLANTED}\ud800", {"key": PLANTED}], ids=["half", "dict"])
def test_a_value_that_cannot_be_written_is_refused_without_being_shown(
    text: str, aws: FakeSecretsClient
) -> None:
    editor, value = SecretsEditor(client=aws), Secret(text)

    for write in (editor.create, editor.put):
        with pytest.raises(ValidationError, match="cannot be encoded as UTF-8") as caught:
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
def test_after_a_response_without_its_field_the_error_says_to_look_first(
    write: Callable[[SecretsEditor], object],
) -> None:
    # Wrong on purpose.
    editor = SecretsEditor(client=Client(dict))  # type: ignore[arg-type]

    with pytest.raises(AwsError, match="look at the secret") as caught:
        write(editor)

    assert not caught.value.retryable

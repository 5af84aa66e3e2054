"""No login, token or proxy password is in any text that an error can show."""

import base64
import copy
import pickle
import socket
import traceback
from collections.abc import Callable, Iterator
from typing import Any, Final, TypeAlias

import pytest
from pydantic import SecretStr

from tradai.mlflow import MLflowClient, MLflowError, MLflowSettings

# The classes of these fixtures are in conftest, which tests cannot import.
Server: TypeAlias = Any
Timer: TypeAlias = Any

# The values show that they are not secrets.
FAKE_PASSWORD: Final = "not-a-real-password-7f3a"  # noqa: S105
FAKE_TOKEN: Final = "not-a-real-token-9c1d"  # noqa: S105
FAKE_PROXY_PASSWORD: Final = "not-a-real-proxy-password-2b8e"  # noqa: S105
PAIR: Final = base64.b64encode(f"me:{FAKE_PASSWORD}".encode()).decode()
SECRETS: Final = (FAKE_PASSWORD, FAKE_TOKEN, FAKE_PROXY_PASSWORD, PAIR)


def _echo(exchange: Server) -> None:
    """Answer with all that was received, as a careless server does."""
    sent = exchange.received.headers.get("Authorization", "")
    words = f"refused {sent} {_quoted(sent)}"
    exchange.error(400, "INVALID_PARAMETER_VALUE", words)


def _long_echo(exchange: Server) -> None:
    sent = exchange.received.headers.get("Authorization", "")
    exchange.reply(500, "x" * 480 + f" {sent} {_quoted(sent)}")


def _quoted(sent: str) -> str:
    return FAKE_TOKEN if "Bearer" in sent else FAKE_PASSWORD


BEHAVIOURS: Final[dict[str, Callable[[Server], None]]] = {
    "echo": _echo,
    "long echo": _long_echo,
    "401": lambda exchange: exchange.reply(401, f"no {exchange.received.headers}"),
    "403": lambda exchange: exchange.reply(403, f"Host: {exchange.received.headers}"),
    "404": lambda exchange: exchange.reply(404, f"no {exchange.received.headers}"),
    "429": lambda exchange: exchange.reply(429, f"no {exchange.received.headers}"),
    "302": lambda exchange: exchange.reply(302, "", headers={"Location": "http://x.invalid/"}),
    "200": lambda exchange: exchange.reply(200, f"{exchange.received.headers}"),
    "drop": lambda exchange: exchange.drop(),
    "cut": lambda exchange: exchange.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"),
}


def _settings(uri: str) -> list[MLflowSettings]:
    return [
        MLflowSettings(uri=uri, username="me", password=SecretStr(FAKE_PASSWORD)),
        MLflowSettings(uri=uri, token=SecretStr(FAKE_TOKEN)),
    ]


def _texts(error: BaseException) -> Iterator[str]:
    """Yield every text that tools show of an error, local variables of our frames included."""
    frames = traceback.StackSummary.extract(
        traceback.walk_tb(error.__traceback__), capture_locals=True
    )
    ours = [frame for frame in frames if "/tradai/mlflow/" in frame.filename]
    assert ours
    yield from traceback.StackSummary.from_list(ours).format()
    seen: BaseException | None = error
    while seen is not None:
        yield from (str(seen), repr(seen), repr(seen.args), repr(vars(seen)))
        seen = seen.__cause__ or seen.__context__
    yield repr(pickle.dumps(error))
    yield str(copy.copy(error))
    yield "".join(traceback.format_exception(error))


def _assert_no_secret(error: BaseException) -> None:
    for text in _texts(error):
        for secret in SECRETS:
            assert secret not in text


@pytest.mark.parametrize("name", BEHAVIOURS)
def test_no_secret_is_in_an_error_about_an_answer(name: str, server: Server, timer: Timer) -> None:
    server.script(BEHAVIOURS[name])

    for settings in _settings(server.uri):
        with MLflowClient(settings, timer=timer) as client:
            with pytest.raises(MLflowError) as caught:
                client.create_run("1", name="r", deadline_s=2)
            _assert_no_secret(caught.value)
            with pytest.raises(MLflowError) as caught:
                client.get_run("r1", deadline_s=2)
            _assert_no_secret(caught.value)


def test_no_secret_is_in_an_error_about_the_way(timer: Timer) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{closed.getsockname()[1]}"
        proxy = f"http://me:{FAKE_PROXY_PASSWORD}@{place}"
        for settings in (
            *_settings(f"http://{place}"),
            MLflowSettings(
                uri="http://mlflow.invalid", token=SecretStr(FAKE_TOKEN), proxy=SecretStr(proxy)
            ),
            MLflowSettings(
                uri="https://mlflow.invalid", token=SecretStr(FAKE_TOKEN), proxy=SecretStr(proxy)
            ),
        ):
            with (
                MLflowClient(settings, timer=timer) as client,
                pytest.raises(MLflowError) as caught,
            ):
                client.get_run("r1")
            _assert_no_secret(caught.value)


def test_no_secret_is_in_an_error_of_a_proxy(server: Server, timer: Timer) -> None:
    server.script(lambda exchange: exchange.reply(407, f"{exchange.received.headers}"))
    proxy = f"http://me:{FAKE_PROXY_PASSWORD}@127.0.0.1:{server.port}"
    settings = MLflowSettings(
        uri="http://mlflow.invalid", token=SecretStr(FAKE_TOKEN), proxy=SecretStr(proxy)
    )

    with MLflowClient(settings, timer=timer) as client, pytest.raises(MLflowError) as caught:
        client.get_run("r1")

    _assert_no_secret(caught.value)


def test_no_secret_is_in_the_text_of_a_client(server: Server) -> None:
    for settings in _settings(server.uri):
        with MLflowClient(settings) as client:
            for secret in SECRETS:
                assert (
                    secret not in f"{client!r} {client} {settings!r} {settings.model_dump_json()}"
                )

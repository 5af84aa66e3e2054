"""No secret in an error of the client: each way to fail times each place to look.

The login is planted in a real client, which then meets real servers that refuse, fail, vanish, or
answer with the login itself.
"""

import base64
import copy
import logging
import pickle
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final, Literal

import pytest
from pydantic import SecretStr
from servers.fault_proxy import Fault, FaultProxy
from servers.mlflow import MLflowServer
from servers.process import free_port

from tradai.mlflow import MLflowClient, MLflowError, MLflowSettings

Kind = Literal["password", "token"]

PLANTED: Final = "Planted+Fake/Value_47"
USER: Final = "alice"
# An escaped, encoded or shortened value is a leak too; the last part is its middle in Base64.
PARTS: Final = (
    "planted+fake",
    "fake/value",
    "value_47",
    "planted%2bfake",
    "rlzctgywtll1zhbhv",
)
BASIC: Final = base64.b64encode(f"{USER}:{PLANTED}".encode()).decode()
HEADERS: Final[Mapping[Kind, str]] = {"password": f"Basic {BASIC}", "token": f"Bearer {PLANTED}"}


def _settings(uri: str, kind: Kind) -> MLflowSettings:
    if kind == "token":
        return MLflowSettings(uri=uri, token=SecretStr(PLANTED))
    return MLflowSettings(uri=uri, username=USER, password=SecretStr(PLANTED))


@contextmanager
def _behind(server: MLflowServer, fault: Fault) -> Iterator[str]:
    with FaultProxy(server.url) as proxy:
        fault.times = 1_000
        proxy.plan(fault)
        yield proxy.url


def _faults(echo: str = "") -> Mapping[str, Fault]:
    """Return faults of a server, whose words quote `echo`."""

    def answer(status: int, body: str) -> Fault:
        return Fault(match=".", action="answer", status=status, body=body.encode())

    words = f'{{"error_code": "INTERNAL_ERROR", "message": "{echo}"}}'
    return {
        "login refused": answer(401, f"<html>{echo}</html>"),
        "no permission": answer(403, words),
        "not found": answer(404, words),
        "bad value": answer(400, words),
        "failed": answer(500, words),
        "failed as a proxy does": answer(502, f"<html>{echo}</html>"),
        "busy": answer(429, words),
        "not MLflow": answer(200, echo),
        "lost": Fault(match=".", action="drop"),
        "silent": Fault(match=".", action="hold"),
        "cut": Fault(match=".", action="cut", keep=10),
    }


def _error(uri: str, kind: Kind) -> MLflowError:
    with MLflowClient(_settings(uri, kind), deadline_s=0.5) as client:
        with pytest.raises(MLflowError) as caught:
            client.get_experiment("Default")
        return caught.value


def _places(error: MLflowError) -> Iterator[str]:
    """Yield the text of all that an error shows."""
    yield str(error)
    yield repr(error)
    yield repr(vars(error))
    yield repr(pickle.dumps(error))
    yield repr(vars(copy.copy(error)))
    yield "".join(traceback.TracebackException.from_exception(error).format())
    step: BaseException | None = error
    while step is not None:
        yield f"{step} {step!r} {step.args!r} {getattr(step, '__notes__', [])}"
        step = step.__cause__ or step.__context__


def _check(texts: Iterator[str]) -> None:
    for text in texts:
        assert [part for part in PARTS if part in text.casefold()] == []


@pytest.mark.parametrize("kind", ["password", "token"])
@pytest.mark.parametrize("name", _faults())
@pytest.mark.parametrize("release", ["3.17"])
def test_no_secret_in_an_error(
    server: MLflowServer, name: str, kind: Kind, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    with _behind(server, _faults(f"{HEADERS[kind]}, {PLANTED}")[name]) as uri:
        error = _error(uri, kind)

    _check(_places(error))
    _check(f"{record.getMessage()} {vars(record)!r}" for record in caplog.records)


@pytest.mark.parametrize("kind", ["password", "token"])
def test_no_secret_in_an_error_about_a_dead_server(kind: Kind) -> None:
    _check(_places(_error(f"http://127.0.0.1:{free_port()}", kind)))


def test_no_secret_in_an_error_of_a_server_that_refuses_the_login(
    guarded_mlflow: MLflowServer,
) -> None:
    _check(_places(_error(guarded_mlflow.url, "password")))


@pytest.mark.parametrize(
    "show",
    [
        pytest.param(repr, id="repr"),
        pytest.param(str, id="str"),
        pytest.param(lambda thing: repr(vars(thing)), id="attributes"),
    ],
)
@pytest.mark.parametrize("kind", ["password", "token"])
def test_no_secret_in_a_client_or_its_settings(show: Callable[[object], str], kind: Kind) -> None:
    settings = _settings("http://127.0.0.1:5000", kind)

    with MLflowClient(settings) as client:
        _check(iter([show(client), show(settings)]))


def test_no_secret_in_an_error_about_an_address_with_a_login() -> None:
    with pytest.raises(Exception, match="without user or password") as caught:
        MLflowClient(uri=f"http://{USER}:{PLANTED.replace('/', '')}@127.0.0.1:5000")

    text = "".join(traceback.TracebackException.from_exception(caught.value).format())
    _check(iter([str(caught.value), repr(caught.value), text.split("Error:", 1)[1]]))

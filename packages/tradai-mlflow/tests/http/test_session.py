"""Login, proxy and certificates come from the settings, and connections from this process."""

import base64
import os
import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, Final, TypeAlias

import pytest
from pydantic import SecretStr

from tradai.core.exceptions import ConfigurationError
from tradai.mlflow import CertificateError, MLflowClient, MLflowSettings

# The classes of these fixtures are in conftest, which tests cannot import.
Server: TypeAlias = Any

FAKE_PASSWORD: Final = "not-a-real-password"  # noqa: S105 - the value shows that it is not a secret
FAKE_TOKEN: Final = "not-a-real-token"  # noqa: S105 - the value shows that it is not a secret
RUN: Final = {"run": {"info": {"run_id": "r1", "experiment_id": "1"}}}


def _authorization(server: Server, **fields: str) -> str | None:
    server.script(lambda exchange: exchange.reply(200, RUN))
    with MLflowClient(MLflowSettings.model_validate({"uri": server.uri, **fields})) as client:
        client.get_run("r1")
    header: str | None = server.received[-1].headers.get("Authorization")
    return header


def _basic(pair: str) -> str:
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def test_without_a_login_none_is_sent(server: Server) -> None:
    assert _authorization(server) is None


def test_a_user_name_and_a_password_are_sent(server: Server) -> None:
    sent = _authorization(server, username="me", password=FAKE_PASSWORD)

    assert sent == _basic(f"me:{FAKE_PASSWORD}")


def test_a_token_is_sent(server: Server) -> None:
    assert _authorization(server, token=FAKE_TOKEN) == f"Bearer {FAKE_TOKEN}"


def test_a_user_name_wins_over_a_token_as_in_mlflows_own_tools(server: Server) -> None:
    sent = _authorization(server, username="me", password=FAKE_PASSWORD, token=FAKE_TOKEN)

    assert sent == _basic(f"me:{FAKE_PASSWORD}")


def test_half_a_login_is_refused() -> None:
    with pytest.raises(
        ConfigurationError,
        match="MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, both or neither",
    ):
        MLflowSettings(uri="http://127.0.0.1:1", username="me")


def test_a_client_without_an_address_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="set MLFLOW_TRACKING_URI"):
        MLflowClient()


def test_a_netrc_file_is_not_read(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login stranger password not-a-real-password\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))

    assert _authorization(server) is None
    assert _authorization(server, token=FAKE_TOKEN) == f"Bearer {FAKE_TOKEN}"


def test_the_proxy_variables_of_the_system_are_not_read(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")

    assert _authorization(server) is None


def test_the_proxy_of_the_settings_is_used_with_its_login(server: Server) -> None:
    server.script(lambda exchange: exchange.reply(200, RUN))
    proxy = f"http://me:{FAKE_PASSWORD}@127.0.0.1:{server.port}"

    with MLflowClient(
        MLflowSettings(uri="http://mlflow.invalid", proxy=SecretStr(proxy))
    ) as client:
        assert client.get_run("r1").run_id == "r1"

    headers = server.received[0].headers
    assert headers["Host"] == "mlflow.invalid"
    assert headers["Proxy-Authorization"] == _basic(f"me:{FAKE_PASSWORD}")


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1080", "proxy.example", "http://a/b/c"])
def test_a_proxy_that_is_not_an_address_is_refused(proxy: str) -> None:
    with pytest.raises(ConfigurationError, match="TRADAI_MLFLOW_PROXY"):
        MLflowSettings(uri="http://127.0.0.1:1", proxy=SecretStr(proxy))


def test_a_prefix_is_kept(server: Server) -> None:
    server.script(lambda exchange: exchange.reply(200, RUN))

    with MLflowClient(uri=f"{server.uri}/mlflow/") as client:
        client.get_run("r1")

    assert server.received[0].path == "/mlflow/api/2.0/mlflow/runs/get"


def test_an_address_replaces_that_of_the_settings(server: Server) -> None:
    server.script(lambda exchange: exchange.reply(200, RUN))
    settings = MLflowSettings(uri="http://127.0.0.1:1", token=SecretStr(FAKE_TOKEN))

    with MLflowClient(settings, uri=server.uri) as client:
        client.get_run("r1")

    assert server.received[0].headers["Authorization"] == f"Bearer {FAKE_TOKEN}"


def test_connections_are_kept_for_later_calls(server: Server, client: MLflowClient) -> None:
    server.script(lambda exchange: exchange.reply(200, RUN))

    for _ in range(5):
        client.get_run("r1")

    assert server.connections == 1


def test_a_closed_client_connects_anew(server: Server, client: MLflowClient) -> None:
    server.script(lambda exchange: exchange.reply(200, RUN))

    client.get_run("r1")
    client.close()
    client.close()
    client.get_run("r1")

    assert server.connections == 2


def test_threads_share_a_client(server: Server, client: MLflowClient) -> None:
    server.script(lambda exchange: exchange.reply(200, RUN))
    start = threading.Barrier(8)
    ids: list[str] = []

    def ask() -> None:
        start.wait()
        ids.extend(client.get_run("r1").run_id for _ in range(20))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert ids == ["r1"] * 160


def test_a_forked_child_has_connections_of_its_own(server: Server, client: MLflowClient) -> None:
    server.script(lambda exchange: exchange.reply(200, RUN))
    client.get_run("r1")

    child = os.fork()
    if child == 0:  # pragma: no cover - the child is not measured
        code = 1
        try:
            code = 0 if client.get_run("r1").run_id == "r1" else 2
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    client.get_run("r1")

    assert os.waitstatus_to_exitcode(status) == 0
    assert server.connections == 2


class _Run(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b'{"run": {"info": {"run_id": "r1", "experiment_id": "1"}}}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def tls_server(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Yield the address of a TLS server, and its certificate, which no authority signed."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl on PATH to make a certificate with: install it")
    certificate, key = tmp_path / "server.pem", tmp_path / "server.key"
    subprocess.run(
        [
            *(openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"),
            *("-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    server = HTTPServer(("127.0.0.1", 0), _Run)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"https://127.0.0.1:{server.server_address[1]}", certificate
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_authority_of_the_settings_is_trusted(tls_server: tuple[str, Path]) -> None:
    uri, certificate = tls_server

    with MLflowClient(MLflowSettings(uri=uri, server_cert_path=certificate)) as client:
        assert client.get_run("r1").run_id == "r1"


def test_a_certificate_that_nothing_vouches_for_is_named_as_such(
    tls_server: tuple[str, Path],
) -> None:
    uri, _ = tls_server

    with (
        MLflowClient(MLflowSettings(uri=uri)) as client,
        pytest.raises(CertificateError, match="MLFLOW_TRACKING_SERVER_CERT_PATH") as caught,
    ):
        client.get_run("r1")

    assert caught.value.attempts == 1


@pytest.mark.parametrize("field", ["server_cert_path", "client_cert_path"])
def test_a_file_that_is_missing_is_named_as_such(field: str, tmp_path: Path) -> None:
    settings = MLflowSettings.model_validate({field: tmp_path / "none.pem"})

    with pytest.raises(ConfigurationError, match=f"MLFLOW_TRACKING_{field.upper()} is .*none.pem"):
        MLflowClient(settings, uri="https://127.0.0.1:1")

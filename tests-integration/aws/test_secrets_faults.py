"""SecretsManager when AWS or the connection fails or a right is missing; its logs show no value."""

import json
import logging
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from servers.aws import settings_at
from servers.fault_proxy import Fault, FaultProxy

from tradai.aws import AwsError, AwsSettings, SecretsEditor, SecretsManager
from tradai.aws.testing import VirtualClock
from tradai.core import Secret
from tradai.core.exceptions import ConfigurationError, NotFoundError, TradAIError

GET, BATCH, PUT = (r"\.GetSecretValue", r"\.BatchGetSecretValue", r"\.PutSecretValue")
PLANTED = "Planted+Fake/Value_47"


def _refusal(reason: str, match: str = GET, *, times: int = 99, status: int = 400) -> Fault:
    body = json.dumps({"__type": reason, "Message": "said AWS"}).encode()
    return Fault(match=match, action="answer", status=status, body=body, times=times)


@pytest.fixture
def settings(proxy: FaultProxy) -> AwsSettings:
    return settings_at(proxy.url, max_attempts=3)


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def secrets(settings: AwsSettings, clock: VirtualClock) -> SecretsManager:
    """Fresh for 300 seconds, usable for 900, for 3,600 in an outage; asked again after 5."""
    return SecretsManager(settings, clock=clock)


@pytest.fixture
def editor(settings: AwsSettings) -> SecretsEditor:
    return SecretsEditor(settings)


@pytest.fixture
def name(editor: SecretsEditor, proxy: FaultProxy) -> str:
    """Name of an existing secret; the proxy has counted no request yet."""
    name = f"desk/{uuid.uuid4().hex[:12]}"
    editor.create(name, Secret(f"fake-{name}"))
    proxy.plan()
    return name


@pytest.mark.parametrize("reason", ["ThrottlingException", "InternalServiceError"])
def test_a_temporary_error_is_tried_again(
    reason: str, secrets: SecretsManager, proxy: FaultProxy, name: str
) -> None:
    status = 500 if reason == "InternalServiceError" else 400
    proxy.plan(_refusal(reason, times=2, status=status))

    assert secrets.get(name).reveal() == f"fake-{name}"
    assert proxy.count(GET) == 3


def test_permanent_throttling_is_an_error_that_says_so(
    secrets: SecretsManager, proxy: FaultProxy, name: str
) -> None:
    proxy.plan(_refusal("ThrottlingException"))

    with pytest.raises(AwsError, match="slow down") as caught:
        secrets.get(name)

    assert (caught.value.reason, caught.value.retryable) == ("ThrottlingException", True)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(match=GET, action="drop"),
        Fault(match=GET, action="lose"),
        Fault(match=GET, action="cut", keep=40),
    ],
    ids=["dropped", "answer lost", "answer cut"],
)
def test_a_connection_that_fails_once_is_tried_again(
    fault: Fault, secrets: SecretsManager, proxy: FaultProxy, name: str
) -> None:
    proxy.plan(fault)

    assert secrets.get(name).reveal() == f"fake-{name}"
    assert proxy.count(GET) == 2


def test_a_missing_answer_times_out_and_is_tried_again(proxy: FaultProxy, name: str) -> None:
    proxy.plan(Fault(match=GET, action="hold"))
    # Many attempts, because a slow machine is also late with answers that no fault delays.
    impatient = SecretsManager(settings_at(proxy.url, read_timeout_s=1, max_attempts=10))

    assert impatient.get(name).reveal() == f"fake-{name}"
    assert proxy.count(GET) >= 2


@pytest.mark.parametrize("keep", [0, 40, 120])
def test_a_truncated_answer_is_an_error_and_shows_no_value(
    keep: int, secrets: SecretsManager, proxy: FaultProxy, name: str
) -> None:
    proxy.plan(Fault(match=GET, action="cut", keep=keep, times=99))

    with pytest.raises(AwsError) as caught:
        secrets.get(name)

    assert caught.value.retryable
    assert f"fake-{name}" not in f"{caught.value!r} {vars(caught.value)}"


@pytest.mark.parametrize(
    "body",
    [
        f'{{"SecretString": "{PLANTED}'.encode(),
        f'["{PLANTED}"]'.encode(),
        b"",
    ],
    ids=["truncated", "not an object", "empty"],
)
def test_an_invalid_answer_is_refused_and_not_shown(
    body: bytes, secrets: SecretsManager, proxy: FaultProxy, name: str
) -> None:
    proxy.plan(Fault(match=GET, action="answer", status=200, body=body, times=99))

    with pytest.raises(AwsError) as caught:
        secrets.get(name)

    assert caught.value.retryable
    assert PLANTED not in f"{caught.value!r} {vars(caught.value)}"
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_an_invalid_answer_leaves_the_held_secret_in_use(
    secrets: SecretsManager, proxy: FaultProxy, clock: VirtualClock, name: str
) -> None:
    secrets.get(name)
    page = b"<html>Please sign in to this network</html>"
    proxy.plan(Fault(match=GET, action="answer", status=200, body=page, times=99))

    clock.advance(900)

    assert secrets.get(name).reveal() == f"fake-{name}"


def test_in_an_outage_the_held_secret_is_served_with_its_age(
    secrets: SecretsManager, proxy: FaultProxy, clock: VirtualClock, name: str
) -> None:
    secrets.get(name)
    proxy.plan(Fault(match=GET, action="drop", times=99))

    clock.advance(3_599)
    held = secrets.get(name)

    assert (held.reveal(), held.age_s) == (f"fake-{name}", 3_599)
    clock.advance(1)
    with pytest.raises(AwsError, match="check the network"):
        secrets.get(name)
    proxy.plan()
    clock.advance(10)
    assert secrets.get(name).age_s == 0


@pytest.mark.parametrize(
    ("reason", "advice"),
    [
        ("AccessDeniedException", "grant it the permission"),
        ("DecryptionFailure", "KMS"),
        ("ExpiredTokenException", "sign in again"),
        ("UnrecognizedClientException", "check the profile"),
        ("InvalidSignatureException", "check the profile"),
        ("RequestTimeTooSkewed", "NTP"),
    ],
)
def test_a_refusal_is_never_hidden_by_a_held_secret(
    reason: str,
    advice: str,
    secrets: SecretsManager,
    proxy: FaultProxy,
    clock: VirtualClock,
    name: str,
) -> None:
    secrets.get(name)
    proxy.plan(_refusal(reason))

    clock.advance(900)

    with pytest.raises(AwsError, match=advice) as caught:
        secrets.get(name)
    assert (caught.value.reason, caught.value.retryable) == (reason, False)
    assert proxy.count(GET) == 1


def test_a_deleted_secret_is_not_served_from_memory(
    secrets: SecretsManager, proxy: FaultProxy, clock: VirtualClock, name: str
) -> None:
    secrets.get(name)
    proxy.plan(_refusal("ResourceNotFoundException"))

    clock.advance(900)

    with pytest.raises(NotFoundError):
        secrets.get(name)


def test_a_refused_secret_is_requested_once_in_ten_seconds(
    secrets: SecretsManager, proxy: FaultProxy, clock: VirtualClock, name: str
) -> None:
    proxy.plan(_refusal("AccessDeniedException"))

    for _ in range(3):
        with pytest.raises(AwsError):
            secrets.get(name)

    assert proxy.count(GET) == 1
    clock.advance(10)
    with pytest.raises(AwsError):
        secrets.get(name)
    assert proxy.count(GET) == 2


def test_32_threads_that_start_together_send_one_request(
    secrets: SecretsManager, proxy: FaultProxy, name: str
) -> None:
    proxy.plan(Fault(match=GET, action="delay", seconds=0.3))
    barrier = threading.Barrier(32)

    def ask(_: int) -> str:
        barrier.wait()
        return secrets.get(name).reveal()

    with ThreadPoolExecutor(32) as pool:
        assert set(pool.map(ask, range(32))) == {f"fake-{name}"}

    assert proxy.count(GET) == 1


def test_a_version_that_every_thread_reports_is_read_again_once(
    secrets: SecretsManager, editor: SecretsEditor, proxy: FaultProxy, name: str
) -> None:
    old = secrets.get(name).version_id
    new = editor.put(name, Secret("fake-new"))
    proxy.plan()
    barrier = threading.Barrier(16)

    def report(_: int) -> str:
        barrier.wait()
        secrets.report_auth_failure(old)
        return secrets.get(name).version_id

    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(report, range(16))) == {new}

    assert proxy.count(GET) == 1


def test_a_prefetch_requests_twenty_secrets_at_a_time(
    secrets: SecretsManager, editor: SecretsEditor, proxy: FaultProxy, name: str
) -> None:
    names = [f"{name}/{number:02}" for number in range(41)]
    for secret_name in names:
        editor.create(secret_name, Secret(f"fake-{secret_name}"))
    proxy.plan()

    assert secrets.prefetch(names) == {}

    assert (proxy.count(BATCH), len(proxy.seen)) == (3, 3)
    revealed = [secrets.get(secret_name).reveal() for secret_name in names]
    assert revealed == [f"fake-{secret_name}" for secret_name in names]
    assert len(proxy.seen) == 3


def test_without_the_right_to_batch_reads_each_secret_is_read_alone(
    secrets: SecretsManager, proxy: FaultProxy, name: str
) -> None:
    proxy.plan(_refusal("AccessDeniedException", BATCH))

    failed = secrets.prefetch([name, f"{name}/none"])

    assert {key: type(error) for key, error in failed.items()} == {f"{name}/none": NotFoundError}
    assert (proxy.count(BATCH), proxy.count(GET)) == (1, 2)
    assert secrets.get(name).reveal() == f"fake-{name}"


def test_an_outage_of_a_batch_is_reported_for_every_name_without_more_requests(
    secrets: SecretsManager, proxy: FaultProxy, name: str
) -> None:
    proxy.plan(Fault(match="", action="drop", times=99))
    names = [f"{name}/{number}" for number in range(30)]

    failed = secrets.prefetch(names)

    assert set(failed) == set(names)
    assert all(isinstance(error, AwsError) and error.retryable for error in failed.values())
    assert len(proxy.seen) == 3


def test_an_arn_of_another_account_is_refused_before_anything_is_sent(proxy: FaultProxy) -> None:
    secrets = SecretsManager(settings_at(proxy.url, account="000000000000"))
    arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:a-AbCdEf"

    with pytest.raises(ConfigurationError, match="TRADAI_AWS_ACCOUNT allows only 000000000000"):
        secrets.get(arn)

    assert proxy.count("SecretValue") == 0


@pytest.mark.parametrize("action", ["cut", "drop", "lose"])
def test_a_rotation_whose_answer_was_lost_happens_once(
    action: str, secrets: SecretsManager, editor: SecretsEditor, proxy: FaultProxy, name: str
) -> None:
    old = secrets.get(name).version_id
    # Each parameter is one of the actions that the type lists.
    proxy.plan(Fault(match=PUT, action=action))  # type: ignore[arg-type]

    new = editor.put(name, Secret("fake-new"))

    secrets.report_auth_failure(old)
    assert secrets.get(name).version_id == new
    assert secrets.get(f"{name}@AWSPREVIOUS").version_id == old


def test_nothing_that_is_logged_holds_a_secret(
    secrets: SecretsManager,
    editor: SecretsEditor,
    proxy: FaultProxy,
    name: str,
    clock: VirtualClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    keys = json.dumps({"key": PLANTED})

    editor.create(f"{name}/keys", Secret(keys))
    editor.put(name, Secret(PLANTED))
    proxy.plan(_refusal("ThrottlingException", times=1), Fault(match=GET, action="drop"))
    secrets.get(name)
    clock.advance(900)
    secrets.prefetch([name, f"{name}/keys", f"{name}/none"])
    for body in (PLANTED, f'["{PLANTED}"]', f'{{"SecretString": "{PLANTED}"'):
        answer = Fault(match="", action="answer", status=200, body=body.encode(), times=9)
        proxy.plan(answer)
        for act in _ways(secrets, editor, name):
            with pytest.raises(TradAIError):
                act()
        clock.advance(900)

    shown = [f"{record.getMessage()} {record.args} {record.__dict__}" for record in caplog.records]
    loggers = {record.name.partition(".")[0] for record in caplog.records}
    assert {"botocore", "urllib3"} <= loggers
    assert [line for line in shown if PLANTED in line or "Planted" in line] == []


def _ways(secrets: SecretsManager, editor: SecretsEditor, name: str) -> list[Callable[[], object]]:
    return [
        lambda: secrets.get(f"{name}/new"),
        lambda: editor.put(name, Secret(PLANTED)),
    ]

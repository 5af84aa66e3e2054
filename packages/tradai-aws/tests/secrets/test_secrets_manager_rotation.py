"""Rotation: a rejected login causes one request for each version, and one retry."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tradai.aws import HeldSecret, SecretsManager
from tradai.aws.testing import FakeSecretsClient
from tradai.core.exceptions import NotFoundError

NAME = "trading/binance"
READERS = 32


class RefusedError(Exception):
    """The rejection of an unknown key by an exchange."""


@pytest.fixture
def old(aws: FakeSecretsClient, secrets: SecretsManager) -> HeldSecret[str]:
    aws.keep(NAME, "fake-value-1")
    return secrets.get(NAME)


def test_a_reported_version_is_refreshed_before_the_report_returns(
    aws: FakeSecretsClient, secrets: SecretsManager, old: HeldSecret[str]
) -> None:
    aws.keep(NAME, "fake-value-2")

    secrets.report_auth_failure(old.version_id)

    assert secrets.get(NAME).reveal() == "fake-value-2"
    assert old.reveal() == "fake-value-1"
    assert len(aws.calls) == 2


def test_32_threads_that_report_the_same_version_make_one_request(
    aws: FakeSecretsClient, secrets: SecretsManager, old: HeldSecret[str]
) -> None:
    aws.keep(NAME, "fake-value-2")
    barrier = threading.Barrier(READERS)

    def report(_: int) -> str:
        barrier.wait()
        secrets.report_auth_failure(old.version_id)
        return secrets.get(NAME).reveal()

    with ThreadPoolExecutor(READERS) as pool:
        values = list(pool.map(report, range(READERS)))

    assert values == ["fake-value-2"] * READERS
    assert len(aws.calls) == 2


@pytest.mark.parametrize("rotated", [True, False])
def test_a_version_is_refreshed_once_however_often_it_is_reported(
    rotated: object, aws: FakeSecretsClient, secrets: SecretsManager, old: HeldSecret[str]
) -> None:
    if rotated:
        aws.keep(NAME, "fake-value-2")

    for _ in range(10):
        secrets.report_auth_failure(old.version_id)

    assert len(aws.calls) == 2


def test_a_report_of_a_version_that_is_not_held_makes_no_request(
    aws: FakeSecretsClient, secrets: SecretsManager, old: HeldSecret[str]
) -> None:
    secrets.report_auth_failure(f"{old.version_id[:-1]}9")

    assert len(aws.calls) == 1


def test_the_next_version_can_be_reported_too(
    aws: FakeSecretsClient, secrets: SecretsManager, old: HeldSecret[str]
) -> None:
    newer = aws.keep(NAME, "fake-value-2")
    secrets.report_auth_failure(old.version_id)
    aws.keep(NAME, "fake-value-3")
    secrets.report_auth_failure(newer)

    assert secrets.get(NAME).reveal() == "fake-value-3"
    assert len(aws.calls) == 3


def test_a_refresh_that_began_before_the_report_is_repeated(
    aws: FakeSecretsClient, secrets: SecretsManager, old: HeldSecret[str]
) -> None:
    aws.clock.advance(300)

    with ThreadPoolExecutor(1) as pool:
        with aws.paused():
            secrets.get(NAME)
            aws.await_call()
            # It was sent before the report, and returns the version that was current then.
            report = pool.submit(secrets.report_auth_failure, old.version_id)
        report.result()

    assert len(aws.calls) == 3


def test_a_report_in_an_outage_raises_nothing_and_can_be_repeated(
    aws: FakeSecretsClient, secrets: SecretsManager, old: HeldSecret[str]
) -> None:
    aws.keep(NAME, "fake-value-2")
    with aws.outage():
        secrets.report_auth_failure(old.version_id)
        secrets.report_auth_failure(old.version_id)
    assert secrets.get(NAME).reveal() == "fake-value-1"
    assert len(aws.calls) == 2

    aws.clock.advance(5)
    secrets.report_auth_failure(old.version_id)

    assert secrets.get(NAME).reveal() == "fake-value-2"


def _exchange(accepted: str) -> Callable[[HeldSecret[str]], str]:
    def login(secret: HeldSecret[str]) -> str:
        if secret.reveal() != accepted:
            raise RefusedError(secret.version_id)
        return f"session of {accepted}"

    return login


def test_a_rejected_login_is_retried_once_with_the_new_value(
    aws: FakeSecretsClient, secrets: SecretsManager, old: HeldSecret[str]
) -> None:
    del old
    aws.keep(NAME, "fake-value-2")

    session = secrets.connect(NAME, _exchange("fake-value-2"), refused=RefusedError)

    assert session == "session of fake-value-2"


def test_a_login_that_is_accepted_makes_no_request(
    aws: FakeSecretsClient, secrets: SecretsManager, old: HeldSecret[str]
) -> None:
    assert secrets.connect(NAME, _exchange(old.reveal()), refused=RefusedError)
    assert len(aws.calls) == 1


def test_without_a_new_value_a_login_is_not_retried(
    secrets: SecretsManager, old: HeldSecret[str]
) -> None:
    tries: list[str] = []

    def login(secret: HeldSecret[str]) -> None:
        tries.append(secret.version_id)
        raise RefusedError

    with pytest.raises(RefusedError):
        secrets.connect(NAME, login, refused=RefusedError)

    assert tries == [old.version_id]


def test_a_login_is_not_retried_when_the_new_value_is_rejected_too(
    aws: FakeSecretsClient, secrets: SecretsManager, old: HeldSecret[str]
) -> None:
    newer = aws.keep(NAME, "fake-value-2")
    tries: list[str] = []

    def login(secret: HeldSecret[str]) -> None:
        tries.append(secret.version_id)
        raise RefusedError

    with pytest.raises(RefusedError):
        secrets.connect(NAME, login, refused=RefusedError)

    assert tries == [old.version_id, newer]


def test_an_error_that_is_not_a_rejection_passes(
    aws: FakeSecretsClient, secrets: SecretsManager, old: HeldSecret[str]
) -> None:
    def login(secret: HeldSecret[str]) -> None:
        raise OSError(secret.version_id)

    with pytest.raises(OSError, match=old.version_id):
        secrets.connect(NAME, login, refused=RefusedError)

    assert len(aws.calls) == 1


def test_a_secret_that_was_deleted_before_the_refresh_is_not_found(
    aws: FakeSecretsClient, secrets: SecretsManager, old: HeldSecret[str]
) -> None:
    del old
    aws.refusals[NAME] = "ResourceNotFoundException"

    with pytest.raises(NotFoundError):
        secrets.connect(NAME, _exchange("nothing"), refused=RefusedError)

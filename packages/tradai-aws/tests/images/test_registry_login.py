"""The login of a registry: asked for once, renewed at half of its life."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tradai.aws import AwsError
from tradai.aws._images.registry_login import login_for
from tradai.aws.ecr import RegistryLogin
from tradai.aws.testing import FakeEcr
from tradai.core import redact


@pytest.fixture
def ecr() -> FakeEcr:
    return FakeEcr()


@pytest.fixture
def login(ecr: FakeEcr) -> RegistryLogin:
    return RegistryLogin(ecr.client, clock=ecr.clock)


def test_the_token_is_renewed_at_half_of_its_life(ecr: FakeEcr, login: RegistryLogin) -> None:
    first = login.get()
    ecr.clock.advance(6 * 3600 - 1)
    assert login.get() == first
    ecr.clock.advance(1)

    assert (first, login.get()) == (("AWS", "fake-token-1"), ("AWS", "fake-token-2"))
    assert ecr.calls == ["GetAuthorizationToken"] * 2


def test_threads_ask_once(ecr: FakeEcr, login: RegistryLogin) -> None:
    barrier = threading.Barrier(8)

    def ask(_: int) -> tuple[str, str]:
        barrier.wait(60)
        return login.get()

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(ask, range(8))) == {("AWS", "fake-token-1")}

    assert ecr.calls == ["GetAuthorizationToken"]


def test_a_token_that_was_refused_is_renewed(ecr: FakeEcr, login: RegistryLogin) -> None:
    login.get()

    assert login.renew() == ("AWS", "fake-token-2")
    assert login.host() == ecr.host


def test_the_token_is_masked_in_every_text(login: RegistryLogin) -> None:
    _, token = login.get()

    assert redact(f"-> {token} <-") == "-> *** <-"


def test_a_refusal_is_typed_and_not_kept(ecr: FakeEcr, login: RegistryLogin) -> None:
    ecr.refusals["GetAuthorizationToken"] = "AccessDeniedException"
    with pytest.raises(AwsError, match="AccessDenied"):
        login.get()
    ecr.refusals.clear()

    assert login.get() == ("AWS", "fake-token-1")


# Private on purpose: a daemon that pulls from Amazon needs Amazon.
def test_an_image_of_ecr_is_pulled_with_a_login_of_ecr(ecr: FakeEcr) -> None:
    assert login_for(f"{ecr.host}/strategies@sha256:{'1' * 64}", ecr.client) == (
        "AWS",
        "fake-token-1",
    )


@pytest.mark.parametrize(
    "image",
    [
        "python:3.11",
        "127.0.0.1:5000/strategies:1",
        "123456789012.dkr.ecr.eu-central-1.amazonaws.com.example/strategies",
        "example/123456789012.dkr.ecr.eu-central-1.amazonaws.com/strategies",
    ],
)
def test_no_other_registry_gets_a_login_of_ecr(ecr: FakeEcr, image: str) -> None:
    assert login_for(image, ecr.client) is None
    assert ecr.calls == []

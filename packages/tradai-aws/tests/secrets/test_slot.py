"""Time limits of a held secret: fresh, stale, in an outage, after a refusal; without real time."""

import logging
import threading
import traceback
from collections.abc import Callable

import pytest
from hypothesis import given, strategies as st

from tradai.aws import AwsError, SecretsManager, SecretsPolicy
from tradai.aws.testing import FakeSecretsClient
from tradai.core.exceptions import ConfigurationError, NotFoundError, TradAIError

NAME = "trading/binance"
FinishRefreshes = Callable[[], None]

FRESH_S, USABLE_S, OUTAGE_S, RETRY_S = 300, 900, 3600, 5


@pytest.fixture(autouse=True)
def version(aws: FakeSecretsClient, secrets: SecretsManager) -> str:
    version_id = aws.keep(NAME, "fake-value-1")
    secrets.get(NAME)
    return version_id


def test_a_fresh_secret_makes_no_request(aws: FakeSecretsClient, secrets: SecretsManager) -> None:
    aws.keep(NAME, "fake-value-2")
    aws.clock.advance(FRESH_S - 1)

    assert secrets.get(NAME).reveal() == "fake-value-1"
    assert len(aws.calls) == 1


def test_a_stale_secret_is_served_at_once_and_refreshed_in_the_background(
    aws: FakeSecretsClient, secrets: SecretsManager, finish_refreshes: FinishRefreshes
) -> None:
    aws.keep(NAME, "fake-value-2")
    aws.clock.advance(FRESH_S)

    with aws.paused():
        served = [secrets.get(NAME).reveal() for _ in range(100)]
    finish_refreshes()

    assert served == ["fake-value-1"] * 100
    assert len(aws.calls) == 2
    assert secrets.get(NAME).reveal() == "fake-value-2"


def test_the_age_counts_from_the_last_refresh(
    aws: FakeSecretsClient, secrets: SecretsManager, finish_refreshes: FinishRefreshes
) -> None:
    aws.clock.advance(FRESH_S)
    secrets.get(NAME)
    finish_refreshes()
    aws.clock.advance(FRESH_S - 1)

    assert secrets.get(NAME).age_s == FRESH_S - 1
    assert len(aws.calls) == 2


def test_parts_follow_a_refresh_of_the_whole_secret(
    aws: FakeSecretsClient, secrets: SecretsManager, finish_refreshes: FinishRefreshes
) -> None:
    aws.keep("json", '{"key": "fake-value-1"}')
    secrets.get("json#key")
    aws.keep("json", '{"key": "fake-value-2"}')
    aws.clock.advance(FRESH_S)
    secrets.get("json")
    finish_refreshes()

    assert secrets.get("json#key").reveal() == "fake-value-2"


def test_a_secret_that_is_no_longer_usable_is_refreshed_before_it_is_served(
    aws: FakeSecretsClient, secrets: SecretsManager
) -> None:
    aws.keep(NAME, "fake-value-2")
    aws.clock.advance(USABLE_S)

    assert secrets.get(NAME).reveal() == "fake-value-2"


def test_in_an_outage_the_held_value_is_served_with_its_age_up_to_the_limit(
    aws: FakeSecretsClient, secrets: SecretsManager, finish_refreshes: FinishRefreshes
) -> None:
    read_s = aws.clock()
    with aws.outage():
        for age_s in (FRESH_S, USABLE_S, OUTAGE_S - 1):
            aws.clock.advance(read_s + age_s - aws.clock())
            secret = secrets.get(NAME)
            finish_refreshes()
            assert (secret.reveal(), secret.age_s) == ("fake-value-1", age_s)

        aws.clock.advance(1)
        with pytest.raises(AwsError, match="check the network"):
            secrets.get(NAME)


def test_when_an_outage_ends_the_next_refresh_is_served(
    aws: FakeSecretsClient, secrets: SecretsManager, finish_refreshes: FinishRefreshes
) -> None:
    aws.clock.advance(FRESH_S)
    with aws.outage():
        secrets.get(NAME)
        finish_refreshes()
    aws.keep(NAME, "fake-value-2")
    aws.clock.advance(RETRY_S)
    secrets.get(NAME)
    finish_refreshes()

    assert secrets.get(NAME).reveal() == "fake-value-2"
    assert secrets.states()[0].failure is None


def test_in_an_outage_aws_is_asked_again_only_after_a_pause(
    aws: FakeSecretsClient, secrets: SecretsManager, finish_refreshes: FinishRefreshes
) -> None:
    aws.clock.advance(USABLE_S)
    with aws.outage():
        for _ in range(10):
            secrets.get(NAME)
            finish_refreshes()
        assert len(aws.calls) == 2
        aws.clock.advance(RETRY_S)
        secrets.get(NAME)
        finish_refreshes()

    assert len(aws.calls) == 3


@pytest.mark.parametrize("reason", ["ThrottlingException", "InternalServiceError"])
def test_a_throttle_or_a_fault_of_aws_is_an_outage(
    reason: str, aws: FakeSecretsClient, secrets: SecretsManager
) -> None:
    aws.fail(reason)
    aws.clock.advance(USABLE_S)

    assert secrets.get(NAME).age_s == USABLE_S


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("AccessDeniedException", AwsError),
        ("ResourceNotFoundException", NotFoundError),
        ("DecryptionFailure", AwsError),
        ("InvalidRequestException", AwsError),
        ("ExpiredTokenException", AwsError),
    ],
)
def test_a_refusal_of_aws_is_never_hidden_by_the_held_value(
    reason: str,
    kind: type[Exception],
    aws: FakeSecretsClient,
    secrets: SecretsManager,
    finish_refreshes: FinishRefreshes,
) -> None:
    aws.fail(reason)
    aws.clock.advance(FRESH_S)
    secrets.get(NAME)
    finish_refreshes()

    with pytest.raises(kind):
        secrets.get(NAME)


def test_a_refusal_of_aws_is_not_hidden_when_an_outage_follows(
    aws: FakeSecretsClient, secrets: SecretsManager, finish_refreshes: FinishRefreshes
) -> None:
    aws.fail("AccessDeniedException")
    aws.clock.advance(FRESH_S)
    secrets.get(NAME)
    finish_refreshes()
    aws.clock.advance(RETRY_S)

    with aws.outage(), pytest.raises(AwsError, match="check the network"):
        secrets.get(NAME)


def test_a_new_value_that_is_not_usable_is_not_hidden_by_the_held_value(
    aws: FakeSecretsClient, secrets: SecretsManager, finish_refreshes: FinishRefreshes
) -> None:
    aws.keep(NAME, b"\x00")
    aws.clock.advance(FRESH_S)
    secrets.get(NAME)
    finish_refreshes()

    with pytest.raises(ConfigurationError, match="is binary"):
        secrets.get(NAME)


def test_a_refusal_is_remembered_for_a_while_and_each_caller_gets_a_new_error(
    aws: FakeSecretsClient, secrets: SecretsManager
) -> None:
    errors = [_error(secrets, "nothing") for _ in range(50)]

    assert len(aws.calls) == 2
    assert len({id(one) for one in errors}) == 50
    # The first reader waited for the response; all others got the remembered error.
    assert len({len(traceback.format_exception(one)) for one in errors[1:]}) == 1

    aws.clock.advance(RETRY_S)
    aws.keep("nothing", "fake-value")
    assert secrets.get("nothing").reveal() == "fake-value"


def _error(secrets: SecretsManager, name: str) -> TradAIError:
    with pytest.raises(NotFoundError) as caught:
        secrets.get(name)
    return caught.value


def test_the_wall_clock_is_not_used(
    aws: FakeSecretsClient, secrets: SecretsManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.time", lambda: 1e12)

    assert secrets.get(NAME).age_s == 0
    assert len(aws.calls) == 1


def test_an_outage_and_its_end_are_each_logged_once_without_values(
    aws: FakeSecretsClient,
    secrets: SecretsManager,
    finish_refreshes: FinishRefreshes,
    caplog: pytest.LogCaptureFixture,
) -> None:
    (first,) = secrets.states()

    with caplog.at_level(logging.INFO, logger="tradai.aws"):
        for _ in range(3):
            aws.clock.advance(FRESH_S)
            with aws.outage():
                secrets.get(NAME)
                finish_refreshes()
        aws.keep(NAME, "fake-value-2")
        aws.clock.advance(RETRY_S)
        secrets.get(NAME)
        finish_refreshes()

    assert [(record.levelname, record.message) for record in caplog.records] == [
        ("WARNING", "secret cannot be read"),
        ("INFO", "secret can be read again"),
        ("INFO", "secret has a new version"),
    ]
    facts = vars(caplog.records[0])
    assert (facts["reference"], facts["age_s"]) == (f"aws-sm:{NAME}", FRESH_S)
    assert facts["version_id"] == first.version_id
    assert "no answer" in facts["failure"]
    assert "fake-value" not in repr([vars(record) for record in caplog.records])


def test_states_show_version_age_and_failure_without_values(
    aws: FakeSecretsClient, secrets: SecretsManager, finish_refreshes: FinishRefreshes, version: str
) -> None:
    aws.clock.advance(FRESH_S)
    with aws.outage():
        secrets.get(NAME)
        finish_refreshes()

    (state,) = secrets.states()

    assert (state.reference, state.version_id, state.age_s) == (
        f"aws-sm:{NAME}",
        version,
        FRESH_S,
    )
    assert "no answer" in str(state.failure)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), st.integers(0, 400)),
        st.tuples(
            st.sampled_from(["rotate", "outage", "back", "deny", "allow", "get"]), st.just(0)
        ),
    ),
    max_size=25,
)


@given(STEPS)
def test_in_any_sequence_of_events_no_value_older_than_its_limit_is_served(
    steps: list[tuple[str, int]],
) -> None:
    aws = FakeSecretsClient()
    policy = SecretsPolicy(fresh_s=50, usable_s=150, outage_s=400, retry_s=5)
    secrets = SecretsManager(client=aws, clock=aws.clock, policy=policy)
    current = {aws.keep(NAME, "fake-value-0"): 0.0}
    denied = False
    for step, number in [*steps, ("get", 0)]:
        aws.clock.advance(number)
        if step == "rotate":
            current = {**current, aws.keep(NAME, f"fake-value-{len(current)}"): aws.clock()}
        elif step in {"outage", "back"}:
            aws.unreachable = step == "outage"
        elif step == "deny":
            denied = True
            aws.refusals[NAME] = "AccessDeniedException"
        elif step == "allow":
            denied = False
            aws.refusals.clear()
        else:
            _check_served(aws, secrets, current, denied=denied)


def _check_served(
    aws: FakeSecretsClient, secrets: SecretsManager, current: dict[str, float], *, denied: bool
) -> None:
    # An outage is known from the result of the last refresh only.
    is_out = aws.unreachable or any(state.failure for state in secrets.states())
    try:
        secret = secrets.get(NAME)
    except TradAIError:
        assert denied or is_out
    else:
        bound_s = 400 if is_out else 150
        assert secret.age_s < bound_s
        # It was current at the time of the request.
        asked_s = aws.clock() - secret.age_s
        newer = [
            since_s for one, since_s in current.items() if since_s > current[secret.version_id]
        ]
        assert all(since_s >= asked_s for since_s in newer)
    for thread in threading.enumerate():
        if thread.name == "tradai-secret":
            thread.join()

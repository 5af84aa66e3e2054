"""Alerts: throttled by cause, masked, and without any effect of a channel on their sender."""

import logging
import threading
from datetime import timedelta
from typing import Final

import pytest

from tradai.core import Secret
from tradai.core.exceptions import ConfigurationError, ExternalServiceError, ValidationError
from tradai.core.live import Alert
from tradai.core.testing import FixedClock
from tradai.entrypoint import LiveSettings
from tradai.entrypoint._alerts.alerts import Alerts, alerts_for
from tradai.entrypoint._alerts.throttle import AlertThrottle
from tradai.entrypoint._live.live_places import alerts_of


class Channel:
    """Keeps the alerts that it gets."""

    def __init__(self) -> None:
        self.alerts: list[Alert] = []

    def send(self, alert: Alert) -> None:
        self.alerts.append(alert)

    @property
    def texts(self) -> list[str]:
        return [alert.text for alert in self.alerts]


class HangingChannel(Channel):
    """Hangs in its first alert until it is released."""

    def __init__(self) -> None:
        super().__init__()
        self.is_in = threading.Event()
        self.released = threading.Event()

    def send(self, alert: Alert) -> None:
        self.is_in.set()
        self.released.wait(60)
        super().send(alert)


class BrokenChannel(Channel):
    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def send(self, alert: Alert) -> None:
        super().send(alert)
        raise self.error


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


FACTS: Final = {"session": "trend", "run_id": "run-1"}


def alerts_to(channel: Channel, clock: FixedClock, **others: Channel) -> Alerts:
    return Alerts({"one": channel, **others}, facts=FACTS, window_s=60, clock=clock, seconds=clock)


def test_an_alert_has_its_kind_sentence_facts_and_instant(clock: FixedClock) -> None:
    channel = Channel()
    alerts = alerts_to(channel, clock)

    alerts.send("halt", "the drawdown is 12 %")
    alerts.close()

    (alert,) = channel.alerts
    assert alert == Alert(
        kind="halt",
        sentence="the drawdown is 12 %",
        facts=FACTS,
        at=clock.now(),
    )


def test_the_same_cause_is_sent_once_in_a_window_and_then_with_its_number(
    clock: FixedClock,
) -> None:
    channel = Channel()
    alerts = alerts_to(channel, clock)
    for number in range(5):
        alerts.send("order", f"order {number} of 0.{number} BTC was rejected")
    clock.advance(timedelta(seconds=59))
    alerts.send("order", "order 77 of 0.1 BTC was rejected")
    clock.advance(timedelta(seconds=1))
    alerts.send("order", "order 99 of 1,000.5 BTC was rejected")
    alerts.close()

    assert channel.texts == [
        "order: order 0 of 0.0 BTC was rejected",
        "order: order 99 of 1,000.5 BTC was rejected (5 more of this cause)",
    ]


def test_other_causes_are_sent_at_once(clock: FixedClock) -> None:
    channel = Channel()
    alerts = alerts_to(channel, clock)

    alerts.send("move", "running to paused")
    alerts.send("move", "paused to running")
    alerts.send("halt", "running to paused")
    alerts.close()

    assert len(channel.alerts) == 3


def test_a_change_is_sent_also_when_it_comes_again_soon(clock: FixedClock) -> None:
    channel = Channel()
    alerts = alerts_to(channel, clock)

    for state in ("paused", "running", "paused"):
        alerts.send_change("session", f"it is {state}")
    alerts.close()

    assert channel.texts == [
        "session: it is paused",
        "session: it is running",
        "session: it is paused",
    ]


def test_what_was_left_out_is_said_at_the_end(clock: FixedClock) -> None:
    channel = Channel()
    alerts = alerts_to(channel, clock)
    for number in range(4):
        alerts.send("order", f"order {number} was rejected")

    alerts.close()

    assert channel.texts == [
        "order: order 0 was rejected",
        "order: order 3 was rejected (2 more of this cause)",
    ]


def test_what_was_left_out_in_an_earlier_window_is_said_at_the_end_too(clock: FixedClock) -> None:
    channel = Channel()
    alerts = alerts_to(channel, clock)
    for number in range(3):
        alerts.send("order", f"order {number} was rejected")
    clock.advance(timedelta(hours=1))
    alerts.send("move", "running to paused")

    alerts.close()

    assert channel.texts[-1] == "order: order 2 was rejected (1 more of this cause)"


def test_causes_of_earlier_windows_are_forgotten(clock: FixedClock) -> None:
    throttle = AlertThrottle(60, clock)
    for number in range(50):
        sentence = "x" * (number + 1)
        throttle.admit(Alert(kind="move", sentence=sentence, facts={}, at=clock.now()))
        clock.advance(timedelta(seconds=60))

    # The memory of causes must not grow with the length of the session.
    assert len(throttle) == 1


def test_secrets_are_masked_before_any_channel_sees_them(clock: FixedClock) -> None:
    secret = Secret("not-a-real-password-7").reveal()
    channel = Channel()
    alerts = Alerts({"one": channel}, facts={"session": f"trend {secret}"}, clock=clock)

    alerts.send("key", "not-a-real-password-7 was refused")
    alerts.close()

    assert "not-a-real-password" not in str(channel.alerts)
    assert "trend" in str(channel.alerts[0].facts["session"])


@pytest.mark.parametrize(
    "error",
    [
        ExternalServiceError("no answer", service="test", operation="post"),
        ZeroDivisionError("a bug of a plug-in"),
    ],
)
def test_an_error_of_a_channel_is_logged_and_changes_nothing(
    error: Exception, clock: FixedClock, caplog: pytest.LogCaptureFixture
) -> None:
    broken, good = BrokenChannel(error), Channel()
    alerts = alerts_to(good, clock, broken=broken)

    with caplog.at_level(logging.WARNING):
        alerts.send("move", "running to paused")
        alerts.send("move", "paused to running")
        alerts.close()

    assert len(good.alerts) == len(broken.alerts) == 2
    assert [record.message for record in caplog.records] == ["alert not delivered"] * 2


def test_a_channel_that_hangs_delays_neither_the_sender_nor_the_others_nor_the_end(
    clock: FixedClock, caplog: pytest.LogCaptureFixture
) -> None:
    hanging, good = HangingChannel(), Channel()
    alerts = alerts_to(good, clock, hanging=hanging)
    alerts.send("move", "a")
    assert hanging.is_in.wait(60)

    # More than may wait: the rest is dropped for this channel.
    for number in range(150):
        alerts.send("move", "x" * (number + 2))
        while len(good.alerts) < number + 2:
            pass
    alerts.close(within_s=0)

    assert not hanging.alerts
    hanging.released.set()
    assert {record.message for record in caplog.records} == {"alert dropped"}


def test_a_thread_that_cannot_be_started_changes_nothing(
    clock: FixedClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(_thread: threading.Thread) -> None:
        message = "can't start new thread"
        raise RuntimeError(message)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    alerts = alerts_to(Channel(), clock)

    alerts.send("move", "a")
    alerts.close()

    assert [record.message for record in caplog.records] == ["alert dropped"]


def test_alerts_are_found_by_their_uris(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("TRADAI_LIVE_ALERTS", "log: webhook:env:ALERT_URL webhook:env:OTHER_URL")
    monkeypatch.setenv("ALERT_URL", "ftp://not-a-web-address")
    monkeypatch.setenv("OTHER_URL", "ftp://not-a-web-address")
    alerts = alerts_of(LiveSettings(), facts=FACTS)

    alerts.send("halt", "the drawdown is 12 %")
    alerts.close(60)

    assert sorted(record.message for record in caplog.records) == [
        *["alert not delivered"] * 2,
        "halt: the drawdown is 12 %",
    ]


def test_a_channel_that_is_not_installed_is_an_error_at_the_start() -> None:
    with pytest.raises(ConfigurationError, match=r"tradai\.alerts has no pigeon: backend"):
        alerts_for(["pigeon:coop"], facts=FACTS)
    with pytest.raises(ValidationError):
        alerts_for(["log:", "log:somewhere"], facts=FACTS)

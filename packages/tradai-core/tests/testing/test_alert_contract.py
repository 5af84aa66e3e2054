"""The suite of channels of alerts passes a right one, and catches the wrong ones planted here."""

from collections.abc import Callable

import pytest

from tradai.core.live import Alert, AlertChannel
from tradai.core.testing import AlertChannelContract, failing_tests


class RightChannel:
    """Keeps every promise; each planted channel below breaks one."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    def send(self, alert: Alert) -> None:
        self.sent.append(f"{alert.text} {alert.to_json()['facts']}")

    def received(self, number: int) -> list[str]:
        taken, self.sent = self.sent, []
        assert len(taken) == number
        return taken


class ChannelWithoutFacts(RightChannel):
    def send(self, alert: Alert) -> None:
        self.sent.append(alert.text)


class ChannelThatSendsTwice(RightChannel):
    def send(self, alert: Alert) -> None:
        super().send(alert)
        super().send(alert)


class ChannelThatForgetsRepeats(RightChannel):
    def send(self, alert: Alert) -> None:
        self.sent.append(f"{alert.kind} {alert.sentence} {dict(alert.facts)}")


class ChannelInAscii(RightChannel):
    def send(self, alert: Alert) -> None:
        super().send(alert)
        self.sent = [text.encode("ascii", "replace").decode() for text in self.sent]


WRONG: dict[type[RightChannel], str] = {
    ChannelWithoutFacts: "test_an_alert_arrives_once_with_its_facts",
    ChannelThatSendsTwice: "test_an_alert_arrives_once_with_its_facts",
    ChannelThatForgetsRepeats: "test_repeats_are_said",
    ChannelInAscii: "test_a_sentence_of_many_lines_or_letters_arrives",
}


def _failures(make: Callable[[], RightChannel]) -> set[str]:
    made: list[RightChannel] = []

    def channel() -> AlertChannel:
        made.append(make())
        return made[-1]

    # A test asks for the channel first.
    fixtures = {"channel": channel, "received": lambda: made[-1].received}
    return failing_tests(AlertChannelContract, fixtures)


def test_the_suite_passes_a_right_channel() -> None:
    assert _failures(RightChannel) == set()


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: wrong.__name__)
def test_the_suite_catches_a_wrong_channel(wrong: type[RightChannel]) -> None:
    assert WRONG[wrong] in _failures(wrong)

"""Conformance suite of the channels of alerts."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from tradai.core._sessions.alert import Alert, AlertChannel

_AT: Final = datetime(2025, 1, 1, tzinfo=UTC)


class AlertChannelContract:
    """Suite for an `AlertChannel`.

    The fixtures to define are ``channel``, and ``received``: a function that waits until so many
    alerts have arrived since the last call, and returns them as text, oldest first.
    """

    def test_an_alert_arrives_once_with_its_facts(
        self, channel: AlertChannel, received: Callable[[int], list[str]]
    ) -> None:
        channel.send(_alert(facts={"run_id": "run-7", "halt": 3}))
        channel.send(_alert(sentence="the engine is up again"))

        first, second = received(2)

        for part in ("halt", "the drawdown is 12 %", "run_id", "run-7", "3"):
            assert part in first
        assert "the engine is up again" in second

    def test_repeats_are_said(
        self, channel: AlertChannel, received: Callable[[int], list[str]]
    ) -> None:
        channel.send(_alert(repeats=41))

        (text,) = received(1)

        assert "41 more of this cause" in text

    def test_a_sentence_of_many_lines_or_letters_arrives(
        self, channel: AlertChannel, received: Callable[[int], list[str]]
    ) -> None:
        channel.send(_alert(sentence="the ledger of „Łódź“ is\nshort" + " and so on" * 300))

        (text,) = received(1)

        assert "Łódź“ is short and so on and so on" in text


def _alert(
    sentence: str = "the drawdown is 12 %",
    *,
    facts: dict[str, str | int] | None = None,
    repeats: int = 0,
) -> Alert:
    return Alert(kind="halt", sentence=sentence, facts=facts or {}, at=_AT, repeats=repeats)

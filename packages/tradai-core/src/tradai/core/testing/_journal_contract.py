"""Conformance suite of run journals."""

import math
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Final

import pytest

from tradai.core._documents.json_values import JsonValue
from tradai.core._ports.protocols import RunJournal
from tradai.core._secrets.redaction import register_secret
from tradai.core.exceptions import ValidationError

_WRITERS: Final = 4
_EACH: Final = 5


class RunJournalContract:
    """Suite for a `RunJournal`. Fixture to define: ``journal``, empty."""

    def test_a_new_journal_has_no_entries(self, journal: RunJournal) -> None:
        assert list(journal.entries()) == []

    def test_entries_come_back_in_order_and_numbered(self, journal: RunJournal) -> None:
        for event in ("run started", "engine started", "run ended"):
            journal.append(event)

        found = [(entry.sequence, entry.event) for entry in journal.entries()]

        assert found == [(1, "run started"), (2, "engine started"), (3, "run ended")]

    def test_entries_are_dated_in_utc(self, journal: RunJournal) -> None:
        journal.append("run started")

        assert [entry.at.utcoffset() for entry in journal.entries()] == [timedelta(0)]

    def test_facts_come_back_as_they_were(self, journal: RunJournal) -> None:
        facts: dict[str, JsonValue] = {
            "event": "a fact may be called so",
            "exit_code": 0,
            "nested": {"pairs": ["BTC/USDT"], "fee": 0.001, "ok": True, "none": None},
            "text": 'two\nlines, "quotes", \u00e9 and \U0001f600',
        }

        journal.append("run ended", **facts)

        assert [entry.facts for entry in journal.entries()] == [facts]

    def test_facts_do_not_change_afterwards(self, journal: RunJournal) -> None:
        pairs: list[JsonValue] = ["BTC/USDT"]
        journal.append("run started", pairs=pairs)

        pairs.append("ETH/USDT")

        assert [entry.facts for entry in journal.entries()] == [{"pairs": ["BTC/USDT"]}]

    def test_secrets_are_masked(self, journal: RunJournal) -> None:
        register_secret("not-a-real-secret")

        journal.append("login as not-a-real-secret", deep=[{"x": "-> not-a-real-secret <-"}])

        (entry,) = journal.entries()
        assert "not-a-real-secret" not in f"{entry}"
        assert "->" in f"{entry}"

    def test_a_fact_that_is_not_json_is_refused_and_leaves_no_entry(
        self, journal: RunJournal
    ) -> None:
        for fact in (math.nan, math.inf, [math.nan]):
            with pytest.raises(ValidationError):
                journal.append("run ended", profit=fact)

        journal.append("run ended")

        assert [entry.sequence for entry in journal.entries()] == [1]

    def test_entries_can_be_read_again_and_while_writing(self, journal: RunJournal) -> None:
        journal.append("one")
        first = [entry.event for entry in journal.entries()]
        journal.append("two")

        assert first == ["one"]
        assert [entry.event for entry in journal.entries()] == ["one", "two"]

    def test_closing_twice_keeps_the_entries(self, journal: RunJournal) -> None:
        journal.append("run ended")

        journal.close()
        journal.close()

        assert [entry.event for entry in journal.entries()] == ["run ended"]

    def test_writers_in_several_threads_lose_nothing(self, journal: RunJournal) -> None:
        barrier = threading.Barrier(_WRITERS, timeout=60)

        def write(writer: int) -> None:
            barrier.wait()
            for number in range(_EACH):
                journal.append("step", writer=writer, number=number)

        with ThreadPoolExecutor(_WRITERS) as pool:
            list(pool.map(write, range(_WRITERS)))

        found = list(journal.entries())
        assert [entry.sequence for entry in found] == list(range(1, _WRITERS * _EACH + 1))
        assert len({(entry.facts["writer"], entry.facts["number"]) for entry in found}) == len(
            found
        )

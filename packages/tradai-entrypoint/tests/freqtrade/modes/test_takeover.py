"""A dry-run takes over the trades of an earlier one, or says why it does not."""

from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tradai.core import FileJournal, TradingMode
from tradai.core.exceptions import ConfigurationError, NotFoundError
from tradai.core.testing import FixedClock, MemoryJournal
from tradai.entrypoint import RunManifest
from tradai.entrypoint._paper.run_process import locked_run
from tradai.entrypoint._runs.context import RunContext
from tradai.entrypoint._runs.continuation import Continuation
from tradai.entrypoint._store.claim import RunOwnedError
from tradai.entrypoint.freqtrade._modes.takeover import (
    pause_notices,
    take_over,
    trades_of,
    was_paused,
)


def manifest(run_id: str, **changes: object) -> RunManifest:
    good: dict[str, Any] = {
        "run_id": run_id,
        "trace_id": "t1",
        "mode": TradingMode.DRY_RUN,
        "state": "ended",
        "started_at": datetime(2026, 11, 1, tzinfo=UTC),
        "config": {"exchange": "binance", "timeframe": "5m"},
        "digests": {"source": "a" * 64},
    }
    return RunManifest.model_validate(good | changes)


def earlier(root: Path, *, accepts_changes: bool = False, **changes: object) -> Continuation:
    folder = root / "before"
    folder.mkdir()
    (folder / "journal.jsonl").touch()
    before = manifest("before", **changes)
    (folder / "manifest.json").write_text(before.as_json())
    return Continuation(folder=folder, manifest=before, accepts_changes=accepts_changes)


def context(root: Path, **changes: object) -> RunContext:
    # The refusals need the record and the folder alone.
    parts = {"record": manifest("after", **changes), "folder": SimpleNamespace(scratch=root / "s")}
    return cast("RunContext", SimpleNamespace(**parts))


def record(folder: Path, events: tuple[str, ...]) -> None:
    with closing(FileJournal(folder / "journal.jsonl")) as journal:
        for event in events:
            journal.append(event, reason="the news")


def test_a_changed_key_is_refused_by_its_name(tmp_path: Path) -> None:
    now = context(tmp_path, config={"exchange": "binance", "timeframe": "15m"})

    with pytest.raises(ConfigurationError, match=r"changes \(timeframe\)"):
        take_over(earlier(tmp_path), now)


def test_a_changed_source_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="the strategy source"):
        take_over(earlier(tmp_path), context(tmp_path, digests={"source": "b" * 64}))


@pytest.mark.parametrize(
    ("before", "now", "name"),
    [
        (
            {"run_parameters": {"exchange_url": "http://127.0.0.1:1"}},
            {"run_parameters": {"exchange_url": None}},
            "run.exchange_url",
        ),
        ({}, {"run_parameters": {"exchange_url": "http://127.0.0.1:1"}}, "run.exchange_url"),
        (
            {"versions": {"freqtrade": "2026.8", "tradai-core": "1"}},
            {"versions": {"freqtrade": "2026.9", "tradai-core": "2"}},
            "the version of freqtrade",
        ),
    ],
)
def test_another_place_of_the_exchange_or_version_of_the_engine_is_refused(
    tmp_path: Path, before: dict[str, Any], now: dict[str, Any], name: str
) -> None:
    with pytest.raises(ConfigurationError, match=rf"changes \({name}\)"):
        take_over(earlier(tmp_path, **before), context(tmp_path, **now))


def test_another_exchange_is_refused_also_with_accepted_changes(tmp_path: Path) -> None:
    before = earlier(tmp_path, accepts_changes=True)
    now = context(tmp_path, config={"exchange": "kraken", "timeframe": "5m"})

    with pytest.raises(ConfigurationError, match="another exchange"):
        take_over(before, now)


def test_a_run_that_still_runs_is_refused(tmp_path: Path) -> None:
    before = earlier(tmp_path)

    with (
        locked_run(before.folder),
        pytest.raises(RunOwnedError, match="still runs"),
    ):
        take_over(before, context(tmp_path))


def test_a_run_that_was_continued_is_refused(tmp_path: Path) -> None:
    before = earlier(tmp_path, continuation={"continued_by": "second"})
    (tmp_path / "second").mkdir()
    (tmp_path / "second/journal.jsonl").touch()
    (tmp_path / "second/trades.sqlite").touch()

    with pytest.raises(RunOwnedError, match="was continued by run 'second' already"):
        take_over(before, context(tmp_path))


def test_a_continuation_that_never_got_the_trades_does_not_count(tmp_path: Path) -> None:
    before = earlier(tmp_path, continuation={"continued_by": "second"})
    (tmp_path / "second").mkdir()
    (tmp_path / "second/journal.jsonl").touch()

    # It comes as far as the database, which this run has not.
    with pytest.raises(NotFoundError, match="has no trade database"):
        take_over(before, context(tmp_path))


def test_the_database_of_the_engine_comes_before_its_copy(tmp_path: Path) -> None:
    (tmp_path / "trades.sqlite").touch()
    copy = trades_of(tmp_path)

    (tmp_path / "scratch").mkdir()
    (tmp_path / "scratch/tradesv3.dryrun.sqlite").touch()
    newest = trades_of(tmp_path)

    assert copy is not None
    assert copy.path.parent == tmp_path
    assert newest is not None
    assert newest.path.parent == tmp_path / "scratch"


@pytest.mark.parametrize(
    "events", [("bot paused",), ("bot resumed", "bot paused", "run ended"), ("bot paused",) * 2]
)
def test_a_run_whose_operator_paused_it_last_was_paused(
    tmp_path: Path, events: tuple[str, ...]
) -> None:
    record(tmp_path, events)

    assert was_paused(tmp_path)


@pytest.mark.parametrize("events", [(), ("run ended",), ("bot paused", "bot resumed")])
def test_a_run_that_was_not_paused_or_resumed_was_not(
    tmp_path: Path, events: tuple[str, ...]
) -> None:
    record(tmp_path, events)

    assert not was_paused(tmp_path)


@pytest.mark.parametrize(
    ("events", "said"),
    [
        (("bot paused",), "it was paused from start to end, as run before was before it"),
        (
            ("bot paused", "bot resumed", "bot paused", "bot resumed"),
            "it began paused, as run before was before it, and was resumed at 2026-11-01 00:02 UTC",
        ),
    ],
)
def test_a_run_that_began_paused_says_at_its_end_when_it_was_resumed(
    tmp_path: Path, events: tuple[str, ...], said: str
) -> None:
    after = continuing(tmp_path, events, by="run before")

    assert pause_notices(after) == [said]


def test_a_run_that_began_otherwise_says_nothing_of_its_pauses(tmp_path: Path) -> None:
    assert pause_notices(continuing(tmp_path, ("bot paused", "bot resumed"), by="ann")) == []


def continuing(root: Path, events: tuple[str, ...], *, by: str) -> RunContext:
    """A run with a journal of these events, a minute apart; `by` made the first."""
    clock = FixedClock(datetime(2026, 11, 1, tzinfo=UTC))
    journal = MemoryJournal(clock=clock)
    for event in events:
        clock.advance(timedelta(minutes=1))
        journal.append(event, by=by)
    return cast("RunContext", SimpleNamespace(continues=earlier(root), journal=journal))

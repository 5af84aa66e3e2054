"""`status --watch` shows a dry-run each time that its status is new, until it ends."""

import argparse
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tradai.core import TradingMode
from tradai.entrypoint import Interrupts, RunManifest
from tradai.entrypoint._commands.paper import screen
from tradai.entrypoint._commands.paper.paper_run import PaperRun
from tradai.entrypoint._paper.paper_status import PaperStatus
from tradai.entrypoint._paper.run_process import locked_run

START = datetime(2026, 11, 1, tzinfo=UTC)


class Steps:
    """A clock whose sleeps are the steps of the run that is watched."""

    def __init__(self, folder: Path, process: ExitStack) -> None:
        self._steps = self._run(folder / "scratch", process)

    def now(self) -> datetime:
        return START

    def sleep(self, _: float) -> None:
        next(self._steps)

    def _run(self, scratch: Path, process: ExitStack) -> Iterator[None]:
        PaperStatus(at=START, currency="USDT", last_candle="BTC/USDT 01").write(scratch)
        yield
        # Nothing is new.
        yield
        PaperStatus(at=START.replace(hour=1), currency="USDT", last_candle="BTC/USDT 02").write(
            scratch
        )
        process.close()
        yield


def test_each_new_status_is_shown_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = RunManifest(
        run_id="paper", trace_id="t", mode=TradingMode.DRY_RUN, state="running", started_at=START
    )
    (tmp_path / "manifest.json").write_text(manifest.as_json())
    (tmp_path / "journal.jsonl").touch()
    (tmp_path / "scratch").mkdir()
    process = ExitStack()
    process.enter_context(locked_run(tmp_path))
    steps = Steps(tmp_path, process)
    monkeypatch.setattr(screen, "SystemClock", lambda: steps)
    args = argparse.Namespace(watch=True, json=False)

    code = screen.show_paper(PaperRun(tmp_path), args, interrupts=Interrupts())

    out = capsys.readouterr().out
    assert code == 0
    assert [out.count(text) for text in ("BTC/USDT 01", "BTC/USDT 02")] == [1, 1]
    assert out.count("starting") == 2
    assert "its process is gone" in out

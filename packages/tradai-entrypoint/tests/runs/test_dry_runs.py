"""Dry-runs that have ended, read from the folder and from the store of runs."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tradai.core import MemoryStore, TradingMode
from tradai.core.exceptions import ExternalServiceError
from tradai.entrypoint import RunManifest
from tradai.entrypoint._preflight.facts import DryRun
from tradai.entrypoint._runs.dry_runs import ended_dry_runs
from tradai.entrypoint._store.run_store import RunStore

START = datetime(2026, 11, 1, tzinfo=UTC)
LONG_S = 600.0


def manifest(run_id: str, **changes: object) -> RunManifest:
    good: dict[str, Any] = {
        "run_id": run_id,
        "trace_id": "t1",
        "mode": TradingMode.DRY_RUN,
        "state": "ended",
        "started_at": START,
        "ended_at": START + timedelta(hours=30),
        "exit_code": 0,
        "digests": {"config": "c" * 64},
    }
    return RunManifest.model_validate(good | changes)


def in_folder(root: Path, *manifests: RunManifest) -> None:
    for each in manifests:
        folder = root / each.run_id
        folder.mkdir(parents=True)
        (folder / "manifest.json").write_text(each.as_json())


def stored(*manifests: RunManifest) -> RunStore:
    store = RunStore(MemoryStore(), "memory:runs")
    for each in manifests:
        store.write(each.run_id, "manifest.json", each.as_json().encode())
    return store


def ids(runs: tuple[DryRun, ...]) -> list[str]:
    return [run.run_id for run in runs]


def test_a_dry_run_that_has_ended_is_read_with_its_duration(tmp_path: Path) -> None:
    in_folder(tmp_path, manifest("r1"))

    assert ended_dry_runs(tmp_path, timeout_s=LONG_S) == (
        DryRun(
            run_id="r1",
            config_digest="c" * 64,
            duration=timedelta(hours=30),
            exit_code=0,
            is_fallback=False,
        ),
    )


def test_runs_of_other_modes_and_those_that_have_not_ended_are_left_out(tmp_path: Path) -> None:
    in_folder(
        tmp_path,
        manifest("backtest", mode=TradingMode.BACKTEST),
        manifest("killed", state="running", ended_at=None, exit_code=None),
        manifest("whole"),
    )

    assert ids(ended_dry_runs(tmp_path, timeout_s=LONG_S)) == ["whole"]


def test_a_damaged_manifest_proves_nothing(tmp_path: Path) -> None:
    in_folder(tmp_path, manifest("whole"), manifest("damaged"))
    (tmp_path / "damaged" / "manifest.json").write_text("{")
    (tmp_path / "empty").mkdir()
    store = stored(manifest("in-store"))
    store.write("damaged-too", "manifest.json", b"{")

    assert ids(ended_dry_runs(tmp_path, store, timeout_s=LONG_S)) == ["in-store", "whole"]


def test_a_run_of_folder_and_store_counts_once(tmp_path: Path) -> None:
    in_folder(tmp_path, manifest("r1"))

    assert ids(ended_dry_runs(tmp_path, stored(manifest("r1")), timeout_s=LONG_S)) == ["r1"]


def test_a_clock_that_was_set_back_makes_no_run_shorter_than_none(tmp_path: Path) -> None:
    in_folder(tmp_path, manifest("r1", ended_at=START - timedelta(hours=1)))

    (run,) = ended_dry_runs(tmp_path, timeout_s=LONG_S)

    assert run.duration == timedelta()


def test_a_folder_that_is_not_there_has_no_runs(tmp_path: Path) -> None:
    assert ended_dry_runs(tmp_path / "none", timeout_s=LONG_S) == ()


def test_a_store_that_refuses_is_an_error_and_not_an_empty_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = stored(manifest("r1"))

    def refuse(_: str) -> None:
        raise ExternalServiceError("it refused", service="s3", operation="list")

    monkeypatch.setattr(store, "files", lambda: refuse(""))

    with pytest.raises(ExternalServiceError):
        ended_dry_runs(tmp_path, store, timeout_s=LONG_S)

"""The result of a job that had several attempts."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tradai.core import TradingMode
from tradai.entrypoint import RunManifest
from tradai.entrypoint._commands.jobs.result import JobResult
from tradai.entrypoint._store.run_store import RunStore

# Private on purpose: `submit` shows it, after a job on a runner that starts attempts.


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore.at(tmp_path.as_uri())


def leave(store: RunStore, run_id: str, *, job_id: str, exit_code: int) -> None:
    """Leave what an attempt of a job leaves."""
    manifest = RunManifest(
        state="ended",
        run_id=run_id,
        trace_id=job_id,
        mode=TradingMode.BACKTEST,
        started_at=datetime(2026, 1, 1, tzinfo=UTC),
        exit_code=exit_code,
        verdict=f"the end of {run_id}",
    )
    store.write(run_id, "started.json", json.dumps({"job_id": job_id}).encode())
    store.write(run_id, "manifest.json", manifest.as_json().encode())


def verdict(store: RunStore) -> str | None:
    manifest = JobResult.in_store(store, "job-1", timeout_s=20).manifest
    return manifest and manifest.verdict


def test_the_result_of_a_job_is_that_of_its_last_attempt(store: RunStore) -> None:
    leave(store, "job-1.2", job_id="job-1", exit_code=0)
    assert verdict(store) == "the end of job-1.2"
    leave(store, "job-1", job_id="job-1", exit_code=70)
    leave(store, "job-1.10", job_id="job-1", exit_code=0)
    store.write("job-1.10", "report.html", b"a page")

    result = JobResult.in_store(store, "job-1", timeout_s=20)

    assert result.manifest is not None
    assert result.manifest.verdict == "the end of job-1.10"
    assert (result.place, result.report) == (
        store.uri_of("job-1.10"),
        store.uri_of("job-1.10", "report.html"),
    )


@pytest.mark.parametrize("run_id", ["job-1.2", "job-10", "job-1.02", "job-1.1", "job-1.2.2"])
def test_another_job_is_not_an_attempt(store: RunStore, run_id: str) -> None:
    leave(store, "job-1", job_id="job-1", exit_code=70)
    leave(store, run_id, job_id=run_id, exit_code=0)

    assert verdict(store) == "the end of job-1"


def test_a_claim_that_cannot_be_read_is_not_that_of_an_attempt(store: RunStore) -> None:
    leave(store, "job-1", job_id="job-1", exit_code=70)
    for run_id, claim in (("job-1.2", None), ("job-1.3", b"{"), ("job-1.4", b"[]")):
        leave(store, run_id, job_id="job-1", exit_code=0)
        store.delete(run_id, "started.json")
        if claim is not None:
            store.write(run_id, "started.json", claim)

    assert verdict(store) == "the end of job-1"

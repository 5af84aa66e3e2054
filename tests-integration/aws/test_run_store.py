"""Runs kept in S3 on stand-ins for AWS, also when the connection or the server fails."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from servers.aws import REGION, new_bucket, settings_at
from servers.fault_proxy import Fault, FaultProxy

from tradai.aws import AwsSettings, S3Store
from tradai.core import TradingMode
from tradai.entrypoint import (
    EntrypointSettings,
    ExitCode,
    RunManifest,
    StrategyEntrypoint,
    Verdict,
)

# Not through the door: how often a run is sent is not a setting.
from tradai.entrypoint._runs import stored_run
from tradai.entrypoint._store.sender import RunSender

CONFIG = """\
name: demo
version: 1.0.0
timeframe: 5m
pairs: [BTC/USDT]
strategy:
  class: Demo
  source: strategies
execution:
  stake_amount: 100
"""

calls: list[str] = []


class Works:
    """A handler whose work is done at once, and leaves files."""

    def __init__(self, entrypoint: StrategyEntrypoint) -> None:
        self.context = entrypoint.context

    def run(self) -> int:
        calls.append(self.context.run_id)
        self.context.record_digest("config", "c" * 64)
        for name in ("result.txt", "Zürich 100%.txt"):
            self.context.folder.write(name, "42")
        return self.context.conclude(Verdict(exit_code=ExitCode.DONE, sentence="42 is found"))


@pytest.fixture(autouse=True)
def _handler() -> Iterator[None]:
    calls.clear()
    StrategyEntrypoint.register_handler(TradingMode.BACKTEST)(Works)
    yield
    StrategyEntrypoint.handlers.unregister(TradingMode.BACKTEST)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Verdict]:
    """Run with the store `uri` on the server at `url`."""
    # A run that takes some seconds on a busy machine is sent at its end alone, too.
    monkeypatch.setattr(stored_run, "RunSender", partial(RunSender, every_s=3_600.0))
    (tmp_path / "strategy.yaml").write_text(CONFIG)

    def start(
        url: str,
        uri: str,
        *,
        runs: str = "runs",
        run_id: str | None = "job-1",
        timeout_s: float = 60,
    ) -> Verdict:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        monkeypatch.setenv("AWS_REGION", REGION)
        settings = EntrypointSettings(
            mode=TradingMode.BACKTEST,
            folder=tmp_path / runs,
            id=run_id,
            config=str(tmp_path / "strategy.yaml"),
            store=uri,
            store_timeout_s=timeout_s,
        )
        return StrategyEntrypoint(settings).run_to_verdict()

    return start


def command(*words: object) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", "tradai.entrypoint", *map(str, words), "--json"],
        check=True,
        capture_output=True,
        text=True,
        timeout=300,
    )
    return json.loads(done.stdout)


def names(store: S3Store, uri: str) -> list[str]:
    return [info.uri.removeprefix(uri) for info in store.list(uri)]


def test_a_run_is_claimed_sent_listed_and_brought_back(
    run: Callable[..., Verdict], settings: AwsSettings, bucket: str, tmp_path: Path
) -> None:
    url, uri, store = str(settings.endpoint_url), f"s3://{bucket}/runs/", S3Store(settings)

    assert run(url, uri).sentence == "42 is found"

    assert names(store, f"{uri}job-1/") == [
        "Z%C3%BCrich%20100%25.txt",
        "journal/000001.jsonl",
        "manifest.json",
        "report.html",
        "result.txt",
        "started.json",
    ]
    again = run(url, uri, runs="other")
    assert again.exit_code == ExitCode.DONE
    assert "ended already" in again.sentence
    assert calls == ["job-1"]

    local = tmp_path / "runs/job-1"
    (listed,) = command("runs", "list", "--store", uri, "--runs", tmp_path / "empty")
    assert RunManifest.model_validate(listed) == RunManifest.read(local)
    pulled = Path(command("runs", "pull", f"{uri}job-1", "--runs", tmp_path / "away")["folder"])
    files = sorted(path.name for path in local.iterdir())
    assert sorted(path.name for path in pulled.iterdir()) == files
    assert (pulled / "journal.jsonl").read_bytes() == (local / "journal.jsonl").read_bytes()
    assert command("runs", "push", "job-1", "--store", uri, "--runs", tmp_path / "runs")


def test_a_run_makes_few_requests(run: Callable[..., Verdict], proxy: FaultProxy) -> None:
    bucket = new_bucket(settings_at(proxy.url))
    before = len(proxy.seen)

    run(proxy.url, f"s3://{bucket}/runs/")

    # Manifest looked for, claim, claim with digests, listing, three files, journal, manifest.
    assert len(proxy.seen) - before <= 9, proxy.seen[before:]


@pytest.mark.parametrize("action", ["lose", "drop", "answer"])
@pytest.mark.parametrize(
    "match",
    [
        "GET .*manifest.json",
        "PUT .*started.json",
        "PUT .*000001.jsonl",
        "GET .*list-type",
        "PUT .*result.txt",
        "PUT .*manifest.json",
    ],
)
def test_a_request_or_an_answer_that_is_lost_is_made_up_for(
    action: Any, match: str, run: Callable[..., Verdict], proxy: FaultProxy, tmp_path: Path
) -> None:
    bucket = new_bucket(settings_at(proxy.url))
    uri, store = f"s3://{bucket}/runs/", S3Store(settings_at(proxy.url))
    proxy.plan(Fault(match=match, action=action))

    verdict = run(proxy.url, uri)

    assert verdict.sentence == "42 is found"
    assert proxy.count(match) > 1, "the fault was not met"
    assert calls == ["job-1"]
    assert len(names(store, f"{uri}job-1/")) == 6
    assert RunManifest.parse(
        store.read(f"{uri}job-1/manifest.json").data, place="S3"
    ) == RunManifest.read(tmp_path / "runs/job-1")


@pytest.mark.parametrize("match", ["PUT .*result.txt", "PUT .*manifest.json"])
def test_a_server_that_hangs_at_the_end_changes_no_exit_code_and_a_push_sends_the_rest(
    match: str, run: Callable[..., Verdict], proxy: FaultProxy, tmp_path: Path
) -> None:
    bucket = new_bucket(settings_at(proxy.url))
    uri, store = f"s3://{bucket}/runs/", S3Store(settings_at(proxy.url))
    # The first call imports boto3.
    run(proxy.url, uri, run_id="job-0")
    proxy.plan(Fault(match=match, action="hold", times=99))

    verdict = run(proxy.url, uri, timeout_s=2)

    assert verdict.exit_code == ExitCode.DONE
    assert "manifest.json: the run store did not answer within 2 s" in verdict.sentence
    assert "manifest.json" not in names(store, f"{uri}job-1/")
    proxy.plan()
    command("runs", "push", "--all", "--store", uri, "--runs", tmp_path / "runs")
    stored = store.read(f"{uri}job-1/manifest.json").data
    assert RunManifest.parse(stored, place="S3") == RunManifest.read(tmp_path / "runs/job-1")
    assert len(names(store, f"{uri}job-1/")) == 6


def test_a_job_does_not_start_and_another_run_does_while_s3_is_gone(
    run: Callable[..., Verdict], proxy: FaultProxy
) -> None:
    bucket = new_bucket(settings_at(proxy.url))
    uri = f"s3://{bucket}/runs/"
    proxy.plan(Fault(match=".", action="answer", status=503, times=99))

    refused, started = run(proxy.url, uri), run(proxy.url, uri, run_id=None)

    assert refused.exit_code == ExitCode.UNAVAILABLE
    assert started.exit_code == ExitCode.DONE
    assert "runs push" in started.sentence
    assert len(calls) == 1
    proxy.plan()
    assert run(proxy.url, uri).exit_code == ExitCode.DONE

"""The quickstart's backtest on the real engine, kept in a store and repeated from it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from servers.aws import ACCESS_KEY, REGION, SECRET_KEY, STANDINS, new_bucket, settings_at

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "docs/examples/quickstart"
TRADES = "1a7ce1ba5dd7"


@pytest.fixture
def quickstart_candles(engine_bin: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "candles"
    script = EXAMPLE / "candles.py"
    subprocess.run(
        [engine_bin / "python", script, "--out", folder],
        check=True,
        timeout=600,
        capture_output=True,
    )
    return folder


def from_workspace(url: str, *words: object) -> Any:
    """Run a command in the workspace's environment, which has the S3 adapter."""
    aws = {
        "AWS_ENDPOINT_URL": url,
        "AWS_REGION": REGION,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    done = subprocess.run(
        [sys.executable, "-m", "tradai.entrypoint", *map(str, words), "--json"],
        env=os.environ | aws,
        check=True,
        capture_output=True,
        text=True,
        timeout=300,
    )
    return json.loads(done.stdout)


@pytest.fixture
def localstack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    standin = STANDINS["localstack"](tmp_path / "localstack")
    with standin.server.running():
        yield standin.url


def check_repeats(tradai: Any, run: object, runs: Path) -> None:
    """Repeat a run on another machine, which has nothing but `run`."""
    again = tradai("run", "--from", run, "--runs", runs, "--json")
    assert again.code == 0, again.stderr
    assert "the same trades as run quick-1" in json.loads(again.stdout)["verdict"]


def test_the_quickstart_goes_through_a_store_and_s3_and_repeats_with_the_same_trades(
    tradai: Any, quickstart_candles: Path, tmp_path: Path, localstack: str
) -> None:
    words = ("--mode", "backtest", "--data", quickstart_candles, "--json", "--run-id", "quick-1")
    store, elsewhere = tmp_path / "store", tmp_path / "elsewhere"

    first = tradai("run", EXAMPLE / "strategy.yaml", *words, "--store", store)

    made = json.loads(first.stdout)
    assert first.code == 0, first.stderr
    assert made["digests"]["trades"].startswith(TRADES)
    assert made["results"]["trades"] == 297
    started = json.loads((store / "quick-1/started.json").read_text())
    assert started["digests"]["config"] == made["digests"]["config"]
    check_repeats(tradai, f"{store.as_uri()}/quick-1", elsewhere)

    uri = f"s3://{new_bucket(settings_at(localstack))}/runs/"
    pushed = ("runs", "push", "quick-1", "--runs", first.runs, "--store", uri)
    assert from_workspace(localstack, *pushed) == [f"{uri}quick-1/"]
    pulled = ("runs", "pull", f"{uri}quick-1", "--runs", tmp_path / "away")
    check_repeats(tradai, from_workspace(localstack, *pulled)["folder"], elsewhere)

"""The quickstart's backtest with its inputs in S3, on a store that checks every signature."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from servers.aws import ACCESS_KEY, REGION, SECRET_KEY, new_bucket, seaweedfs, settings_at

ROOT = Path(__file__).resolve().parents[2]
QUICKSTART = ROOT / "docs" / "examples" / "quickstart"
COMPARED = ("source", "data", "markets", "trades")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of the store."""
    standin = seaweedfs(tmp_path_factory.mktemp("seaweedfs"))
    with standin.server.running():
        yield standin.url


@pytest.fixture(scope="module")
def quickstart_data(engine_bin: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Candles and market rules of the quickstart."""
    folder = tmp_path_factory.mktemp("quickstart")
    script = QUICKSTART / "candles.py"
    subprocess.run([engine_bin / "python", script, "--out", folder], check=True, timeout=600)
    return folder


@pytest.fixture
def in_s3(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Environment of a command that uses the store, with a cache of this test."""
    variables = {
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_REGION": REGION,
        "AWS_ENDPOINT_URL": server,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "XDG_CACHE_HOME": str(tmp_path / "user cache"),
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return variables


def fetched(runs: Path, run_id: str) -> dict[str, tuple[int, int]]:
    """Return the number of objects, and of those read, of each input of a run."""
    lines = (runs / run_id / "journal.jsonl").read_text().splitlines()
    entries = [json.loads(line) for line in lines]
    return {
        entry["facts"]["uri"]: (entry["facts"]["objects"], entry["facts"]["read"])
        for entry in entries
        if entry["event"] == "inputs fetched"
    }


def test_the_quickstart_has_the_same_trades_from_s3(
    tradai: Callable[..., Any],
    quickstart_data: Path,
    in_s3: Mapping[str, str],
    server: str,
    tmp_path: Path,
) -> None:
    bucket = new_bucket(settings_at(server))
    data, source = f"s3://{bucket}/candles/", f"s3://{bucket}/strategies"
    config = QUICKSTART / "strategy.yaml"

    def backtest(run_id: str, data: str, *overrides: str) -> dict[str, Any]:
        words = ("--mode", "backtest", "--data", data, "--run-id", run_id, "--json")
        done = tradai("run", config, *overrides, *words, extra=in_s3)
        assert done.code == 0, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    for folder, uri in ((quickstart_data, data), (QUICKSTART / "strategies", source)):
        assert tradai("data", "push", folder, uri, extra=in_s3).code == 0

    here = backtest("here", str(quickstart_data))
    first = backtest("first", data, f"strategy.source={source}")
    second = backtest("second", data.rstrip("/"), f"strategy.source={source}/")

    for name in COMPARED:
        assert here["digests"][name] == first["digests"][name] == second["digests"][name], name
    assert here["results"]["trades"] > 0
    runs = tmp_path / "runs"
    assert fetched(runs, "first") == {data: (7, 7), source: (2, 2)}
    assert fetched(runs, "second") == {data.rstrip("/"): (7, 0), f"{source}/": (2, 0)}
    manifest = json.loads((runs / "first" / "manifest.json").read_text())
    assert manifest["data"]["uri"] == data
    # Of the fetched files nothing stays in the run folder.
    assert not (runs / "first" / "scratch").exists()


def test_an_input_that_is_not_there_is_one_sentence(
    tradai: Callable[..., Any], quickstart_data: Path, in_s3: Mapping[str, str], server: str
) -> None:
    bucket = new_bucket(settings_at(server))
    config = QUICKSTART / "strategy.yaml"
    without_rules = quickstart_data.parent / "without rules"
    shutil.copytree(quickstart_data, without_rules, ignore=shutil.ignore_patterns("markets.json"))
    assert tradai("data", "push", without_rules, f"s3://{bucket}/data", extra=in_s3).code == 0

    def refused(*words: object, extra: Mapping[str, str] = in_s3) -> tuple[int, str]:
        done = tradai("check", config, "--mode", "backtest", "--json", *words, extra=extra)
        rows = json.loads(done.stdout)["checks"]
        failed = [row["detail"] for row in rows if row["status"] == "fail"]
        return done.code, failed[0]

    code, sentence = refused("--data", f"s3://{bucket}/nothing")
    assert (code, f"there are no objects below s3://{bucket}/nothing/" in sentence) == (65, True)
    code, sentence = refused("--data", f"s3://{bucket}/data")
    assert (code, f"no market rules at s3://{bucket}/data/markets.json" in sentence) == (65, True)
    code, sentence = refused("--data", "s3://no-such-bucket-of-tradai/data/")
    assert (code, "s3://no-such-bucket-of-tradai/data/" in sentence) == (65, True)
    code, sentence = refused("--data", "gs://bucket/data")
    assert (code, "no gs: backend" in sentence) == (78, True)
    no_rights = {**in_s3, "AWS_SECRET_ACCESS_KEY": "fake-and-wrong"}
    code, sentence = refused("--data", f"s3://{bucket}/data", extra=no_rights)
    assert (code, f"s3://{bucket}/data/ was refused" in sentence) == (69, True)
    assert "fake-and-wrong" not in sentence

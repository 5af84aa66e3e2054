"""The command `tradai-entrypoint models` on a real server."""

import json
import os
import pwd
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from models.conftest import Interceptor
from models.proven_run import proven_run
from servers.mlflow import MLflowServer

from tradai.core.exceptions import ConflictError, ValidationError
from tradai.mlflow import MLflowClient, models_command

Models = Callable[..., tuple[int, str]]


@pytest.fixture
def models(
    server: MLflowServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Models:
    """Run the command; return its exit code and its output."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.url)
    monkeypatch.setenv("TRADAI_MODEL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("LOGNAME", "ada")

    def run(*words: object) -> tuple[int, str]:
        code = models_command([str(word) for word in words])
        return code, capsys.readouterr().out

    return run


def read(output: tuple[int, str]) -> Any:
    code, text = output
    assert code == 0
    return json.loads(text)


def test_a_version_is_registered_judged_promoted_and_rolled_back(
    models: Models, tmp_path: Path, run: Path, unique: str
) -> None:
    gates = tmp_path / "gates.yaml"
    gates.write_text("better_than_champion_by: {metric: profit_percent, by: 1}\n")
    better = proven_run(
        tmp_path / "run-2", config={"timeframe": "5m"}, results={"profit_percent": 9.0}
    )

    assert models("register", unique, "--run", run) == (0, f"registered: {unique}@v1\n")
    assert models("register", unique, "--run", better) == (0, f"registered: {unique}@v2\n")
    code, text = models("promote", f"{unique}@v1", "--gates", gates, "--expect", "none")
    assert (code, text.splitlines()[-2:]) == (
        0,
        [
            f"{unique}@champion: no version -> version 1",
            "not atomic: no lease kept other promotions out (set TRADAI_MODEL_LEASES)",
        ],
    )
    code, text = models("promote", f"{unique}@champion", "--gates", gates)
    assert code == 77
    assert "FAIL  better_than_champion_by" in text
    assert text.endswith("the alias was not moved\n")
    code, text = models("promote", f"{unique}@latest", "--gates", gates, "--dry-run")
    assert code == 0
    assert f"{unique} version 2 as champion (now version 1): all gates pass" in text
    assert models("show", f"{unique}@champion", "--json")[1].count('"version": 1') == 1
    assert models("promote", f"{unique}@v2", "--gates", gates, "--expect", 1)[0] == 0
    assert models("diff", f"{unique}@v1", f"{unique}@champion") == (
        0,
        '~ timeframe: "15m" -> "5m"\n',
    )
    code, text = models("rollback", unique)
    assert text.startswith(f"{unique}@champion: version 2 -> version 1\n")
    code, text = models("show", unique)
    assert [line.split()[:2] for line in text.splitlines()[1:3]] == [["2", "-"], ["1", "champion"]]
    assert [line.split()[2:7] for line in text.splitlines()[5:]] == [
        ["promote", "champion", "-", "v1", "ada"],
        ["promote", "champion", "v1", "v2", "ada"],
        ["rollback", "champion", "v2", "v1", "ada"],
    ]


def test_every_verb_prints_json(models: Models, run: Path, unique: str) -> None:
    registered = read(models("register", unique, "--run", run, "--json"))
    promoted = read(models("promote", f"{unique}@v1", "--json"))
    shown = read(models("show", unique, "--json"))
    version = read(models("show", f"{unique}@champion", "--json"))
    difference = read(models("diff", f"{unique}@v1", f"{unique}@v1", "--json"))

    assert (registered["name"], registered["version"]) == (unique, 1)
    assert (promoted["before"], promoted["after"], promoted["report"]["passed"]) == (None, 1, True)
    assert {"name": unique, "aliases": {"champion": 1}} in read(models("list", "--json"))
    assert (shown["aliases"], shown["problems"]) == ({"champion": 1}, [])
    assert [each["aliases"] for each in shown["versions"]] == [["champion"]]
    assert [entry["after"] for entry in shown["ledger"]] == [1]
    assert version["config"]["timeframe"] == "15m"
    assert version["record"]["metrics"]["trades"] == 297
    assert difference == {"added": {}, "removed": {}, "changed": {}}


def test_the_versions_of_a_model_have_the_drawdown_with_open_positions_where_it_is_known(
    models: Models, tmp_path: Path, run: Path, unique: str
) -> None:
    newer = proven_run(tmp_path / "run-2", results={"equity_drawdown_percent": 9.5812})
    models("register", unique, "--run", run)
    models("register", unique, "--run", newer)

    _, text = models("show", unique)

    heading, *rows = [line.split() for line in text.splitlines()]
    assert heading[-1] == "drawdown_percent"
    assert [row[8:] for row in rows] == [["9.5812"], ["8.9677", "closed"]]


def test_models_are_listed_with_their_aliases(models: Models, run: Path, unique: str) -> None:
    models("register", unique, "--run", run)
    models("promote", f"{unique}@v1", "--alias", "candidate")

    code, text = models("list")

    assert code == 0
    assert [unique, "candidate", "=", "v1"] in [line.split() for line in text.splitlines()]


def test_a_model_that_is_deleted_while_models_are_listed_is_left_out(
    models: Models,
    server: MLflowServer,
    client: MLflowClient,
    unique: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stays = f"stays-{unique}"
    client.registered_model(stays)
    client.registered_model(unique)

    def delete() -> None:
        requests.delete(
            f"{server.url}/api/2.0/mlflow/registered-models/delete",
            json={"name": unique},
            timeout=60,
        ).raise_for_status()

    with Interceptor(server.url, f"registered-models/get?name={unique}", delete) as proxy:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", proxy.url)
        listed = read(models("list", "--json"))

    assert proxy.acted
    names = {model["name"] for model in listed}
    assert stays in names
    assert unique not in names


def test_without_a_variable_the_ledger_has_the_user_of_the_process(
    models: Models, run: Path, unique: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    models("register", unique, "--run", run)
    models("promote", f"{unique}@v1")

    (entry,) = read(models("show", unique, "--json"))["ledger"]
    assert entry["by"] == pwd.getpwuid(os.getuid()).pw_name


def test_a_wrong_expectation_is_refused_by_what_is_there(
    models: Models, run: Path, unique: str
) -> None:
    models("register", unique, "--run", run)

    with pytest.raises(ConflictError, match="points at no version, expected version 4"):
        models("promote", f"{unique}@v1", "--expect", 4)
    with pytest.raises(ValidationError, match="expected a version such as 7"):
        models("promote", f"{unique}@v1", "--expect", "four")


def test_the_command_is_one_of_the_entrypoint(
    server: MLflowServer, monkeypatch: pytest.MonkeyPatch, unique: str
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.url)
    command = [sys.executable, "-m", "tradai.entrypoint", "models", "show", unique]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 65
    assert "the registered model does not exist" in done.stderr


def test_a_version_is_shown_with_its_files_and_figures(
    models: Models, run: Path, unique: str
) -> None:
    models("register", unique, "--run", run)

    code, text = models("show", f"{unique}@v1")

    facts = [line.split(maxsplit=1) for line in text.splitlines()]
    assert code == 0
    assert ["strategy", "trend 1.2.0"] in facts
    assert ["trades", "297"] in facts
    assert any(line.startswith("file strategy/trend.py ") for line in text.splitlines())


def test_a_version_of_another_tool_is_listed_as_not_usable(
    models: Models, server: MLflowServer, unique: str
) -> None:
    with MLflowClient(uri=server.url) as client:
        group = client.experiment(unique)
        run = client.create_run(group.experiment_id, name="other tool")
        client.registered_model(unique)
        client.create_model_version(unique, source=run.artifact_uri, run_id=run.run_id)

    text = models("show", unique)[1]
    shown = read(models("show", unique, "--json"))

    assert "not usable" in text.splitlines()[1]
    assert "was not registered by tradai" in shown["versions"][0]["problem"]

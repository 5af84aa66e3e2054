"""Private: a run is read and judged before anything is sent."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tradai.core import files_digest
from tradai.core.exceptions import NotFoundError, TradAIError, ValidationError
from tradai.mlflow import ModelKind
from tradai.mlflow._registry.proof import RunProof

SOURCE = b"class Trend: ...\n"
MANIFEST: dict[str, Any] = {
    "run_id": "run-1",
    "state": "ended",
    "exit_code": 0,
    "config": {"name": "trend", "version": "1.0.0", "timeframe": "15m"},
    "digests": {"source": files_digest([("trend.py", SOURCE)])},
    "results": {
        "trades": 3,
        "is_partial": False,
        "profit_factor": None,
        "last_candle": "2025-06-30 12:00 UTC",
    },
    "run_parameters": {"timerange": "20250108-20250701"},
    "data": {"timerange": "20250108-20250701", "traded_until": "2025-06-28 23:45 UTC"},
    "engine": {"name": "freqtrade"},
}


def made(folder: Path, **facts: object) -> Path:
    (folder / "strategy").mkdir()
    (folder / "strategy" / "trend.py").write_bytes(SOURCE)
    (folder / "manifest.json").write_text(json.dumps(MANIFEST | facts))
    return folder


def test_a_run_gives_its_configuration_figures_and_files(tmp_path: Path) -> None:
    proof = RunProof.read(made(tmp_path))

    assert (proof.run_id, proof.config.name, proof.kind) == ("run-1", "trend", ModelKind.STRATEGY)
    assert proof.metrics == {"trades": 3, "is_partial": 0}
    assert proof.data_until == datetime(2025, 6, 28, 23, 45, tzinfo=UTC)
    assert [(file.path, file.size) for file in proof.files()] == [("strategy/trend.py", 17)]


@pytest.mark.parametrize(
    "facts",
    [{"state": "running", "exit_code": None}, {"exit_code": 75}, {"is_fallback": True}],
)
def test_a_run_that_did_not_succeed_proves_nothing(facts: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="run run-1 proves nothing: expected a run that"):
        RunProof.read(made(tmp_path, **facts))


@pytest.mark.parametrize("data", [{}, {"traded_until": None}, {"traded_until": "20250701"}])
def test_a_run_that_does_not_say_when_its_candles_end_is_of_unknown_age(
    data: dict[str, Any], tmp_path: Path
) -> None:
    proof = RunProof.read(made(tmp_path, data=data))

    assert proof.data_until is None


def test_a_run_that_named_no_time_range_is_as_old_as_its_last_candle(tmp_path: Path) -> None:
    proof = RunProof.read(made(tmp_path, run_parameters={}))

    assert proof.data_until == datetime(2025, 6, 28, 23, 45, tzinfo=UTC)


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"manifest\.json"):
        RunProof.read(tmp_path)


def test_a_run_without_a_copy_of_its_strategy_is_refused(tmp_path: Path) -> None:
    folder = made(tmp_path)
    (folder / "strategy").rename(folder / "elsewhere")

    with pytest.raises(NotFoundError, match="has no copy of its strategy"):
        RunProof.read(folder)


def test_a_broken_manifest_is_refused_by_its_field(tmp_path: Path) -> None:
    folder = made(tmp_path, config={"name": "trend", "version": "x", "timeframe": "15m"})

    with pytest.raises(ValidationError, match=r"is not usable: config\.version must be"):
        RunProof.read(folder)


def test_a_file_name_that_is_no_artifact_is_refused(tmp_path: Path) -> None:
    folder = made(tmp_path)
    (folder / "strategy" / "a\nb.py").write_text("")

    with pytest.raises(TradAIError, match="expected a name without backslashes"):
        RunProof.read(folder).files()


def test_a_run_with_several_files_has_the_digest_of_its_source(tmp_path: Path) -> None:
    files = [("a/b.py", b"1"), ("a-b.py", b"2"), ("trend.py", SOURCE)]
    folder = made(tmp_path, digests={"source": files_digest(files)})
    (folder / "strategy" / "a").mkdir()
    for name, data in files:
        (folder / "strategy" / name).write_bytes(data)

    found = RunProof.read(folder).files()

    assert {file.path for file in found} == {f"strategy/{name}" for name, _ in files}


@pytest.mark.parametrize("change", ["edit", "add", "rename"])
def test_a_strategy_that_is_not_the_one_that_ran_is_refused(change: str, tmp_path: Path) -> None:
    folder = made(tmp_path)
    file = folder / "strategy" / "trend.py"
    match change:
        case "edit":
            file.write_bytes(SOURCE.replace(b"...", b"pass"))
        case "add":
            (folder / "strategy" / "helper.py").write_text("")
        case _:
            file.rename(file.with_name("other.py"))

    with pytest.raises(ValidationError, match="are not the source of run run-1: one was changed"):
        RunProof.read(folder).files()


def test_a_run_without_the_digest_of_its_source_is_refused(tmp_path: Path) -> None:
    folder = made(tmp_path, digests={})

    with pytest.raises(ValidationError, match="are not the source of run run-1"):
        RunProof.read(folder).files()

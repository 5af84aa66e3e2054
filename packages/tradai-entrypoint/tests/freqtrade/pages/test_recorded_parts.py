from datetime import UTC, datetime
from pathlib import Path

import pytest

from tradai.core.exceptions import StorageError
from tradai.entrypoint import RunManifest
from tradai.entrypoint.freqtrade import recorded_parts


def ended(mode: str, **facts: object) -> RunManifest:
    return RunManifest.model_validate(
        {
            "run_id": "run-1",
            "trace_id": "run-1",
            "mode": mode,
            "state": "ended",
            "started_at": datetime(2026, 1, 31, tzinfo=UTC),
            **facts,
        }
    )


@pytest.mark.parametrize(
    ("mode", "name"),
    [
        ("backtest", "engine-result.zip"),
        ("train", "engine-result.zip"),
        ("hyperopt", "epochs.jsonl"),
        ("dry-run", "trades.sqlite"),
    ],
)
def test_a_result_that_the_manifest_names_and_the_folder_lacks_is_an_error(
    tmp_path: Path, mode: str, name: str
) -> None:
    with pytest.raises(StorageError, match=f"{name} is missing"):
        recorded_parts(tmp_path, ended(mode, artifacts=[name]))

    assert recorded_parts(tmp_path, ended(mode, artifacts=[])) is None


def test_a_configuration_of_another_version_is_named_as_the_reason(tmp_path: Path) -> None:
    (tmp_path / "engine-result.zip").write_bytes(b"")
    record = RunManifest.model_validate(
        {
            "run_id": "old-1",
            "trace_id": "old-1",
            "mode": "backtest",
            "state": "ended",
            "started_at": datetime(2026, 1, 31, tzinfo=UTC),
            "config": {"name": "trend", "a_key_of_yesterday": 1},
            "engine": {"command": ["backtesting", "--strategy", "Trend"]},
        }
    )

    with pytest.raises(StorageError, match="configuration of run 'old-1' is not usable"):
        recorded_parts(tmp_path, record)

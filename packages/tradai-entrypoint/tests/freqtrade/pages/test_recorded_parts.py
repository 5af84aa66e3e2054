from datetime import UTC, datetime
from pathlib import Path

import pytest

from tradai.core.exceptions import StorageError
from tradai.entrypoint import RunManifest
from tradai.entrypoint.freqtrade import recorded_parts


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

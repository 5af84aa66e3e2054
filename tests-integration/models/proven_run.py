"""Folders of runs that succeeded, as tradai-entrypoint leaves them, made without an engine."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from tradai.core import files_digest

_STRATEGY: Final = "strategy/"
STRATEGY: Final = "from freqtrade.strategy import IStrategy\n\n\nclass Trend(IStrategy): ...\n"
CONFIG: Final[Mapping[str, Any]] = {
    "name": "trend",
    "version": "1.2.0",
    "timeframe": "15m",
    "pairs": ["BTC/USDT", "ETH/USDT"],
    "strategy": {"class": "Trend", "source": "strategies"},
    "execution": {"stake_amount": "50.10"},
}
RESULTS: Final[Mapping[str, Any]] = {
    "trades": 297,
    "profit_percent": 3.5605,
    "max_drawdown_percent": 8.9677,
    "wins_draws_losses": "88 / 0 / 209",
    "profit_factor": None,
}


def proven_run(
    folder: Path,
    *,
    config: Mapping[str, Any] | None = None,
    results: Mapping[str, Any] | None = None,
    files: Mapping[str, bytes] | None = None,
    **facts: Any,
) -> Path:
    """Make the folder of a run; return it.

    Args:
        folder: A new folder, whose name is the id of the run.
        config: Keys of the configuration that differ.
        results: Figures that differ.
        files: Files besides the strategy and its helper, by path below the folder.
        facts: Other facts of the manifest that differ.
    """
    contents = {
        "strategy/trend.py": STRATEGY.encode(),
        "strategy/indicators/ema.py": b"LENGTH = 24\n",
        "report.html": b"<p>297 trades</p>",
        **(files or {}),
    }
    for name, data in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    strategy = [name for name in contents if name.startswith(_STRATEGY)]
    source = files_digest(
        (name.removeprefix(_STRATEGY), contents[name]) for name in sorted(strategy, key=Path)
    )
    manifest = {
        "schema_version": 1,
        "run_id": folder.name,
        "state": "ended",
        "exit_code": 0,
        "config": {**CONFIG, **(config or {})},
        "digests": {"source": source, "data": "b" * 64, "config": "c" * 64},
        "results": {**RESULTS, **(results or {})},
        "data": {"traded_until": "2025-07-01 00:00 UTC"},
        "run_parameters": {"timerange": "20250108-20250701"},
        **facts,
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder

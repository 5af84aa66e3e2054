"""HYPEROPT: search parameters; keep the epochs and a patch with the best parameters."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

from omegaconf import OmegaConf

from tradai.core import JsonValue
from tradai.core.exceptions import StorageError
from tradai.entrypoint._process.exit_codes import ExitCode, Verdict
from tradai.entrypoint._runs.context import RunContext
from tradai.entrypoint.freqtrade._modes.handler import BatchHandler
from tradai.entrypoint.freqtrade._preparation.prepare import EngineJob

_PATCH_NAME: Final = "best.yaml"
_EPOCHS_NAME: Final = "epochs.jsonl"
_SHOWN: Final = 5
# The engine's loss for an epoch that cannot be ranked, such as one without trades.
_UNRANKED_LOSS: Final = 100_000
_EXECUTION_SPACES: Final = ("stoploss", "trailing", "max_open_trades")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """One trial: its number, its loss (lower is better) and its parameters.

    Attributes:
        details: Parameters by space, as the engine writes them.
    """

    number: int
    loss: float
    trades: int
    profit_ratio: float
    details: Mapping[str, Any]


@final
class HyperoptHandler(BatchHandler):
    """Runs the engine's hyperopt and records the best epochs."""

    results = "hyperopt_results/*.fthypt"

    def _record(self, job: EngineJob, context: RunContext) -> Verdict:
        stored = job.newest(self.results)
        epochs = read_epochs(stored)
        stored.rename(context.folder.path / _EPOCHS_NAME)
        context.record.artifacts.append(_EPOCHS_NAME)
        if not epochs:
            return Verdict(
                exit_code=ExitCode.RESULT,
                sentence="no epoch of the hyperopt made enough trades to be ranked: widen the time "
                "range or the parameter ranges, or raise run.epochs",
            )
        patch = context.folder.path / _PATCH_NAME
        patch.write_text(
            OmegaConf.to_yaml(OmegaConf.create(config_patch(epochs[0]))), encoding="utf-8"
        )
        context.record.artifacts.append(_PATCH_NAME)
        context.record.results |= _figures(epochs)
        return Verdict(
            exit_code=ExitCode.DONE,
            sentence=f"epoch {epochs[0].number} is best; run with --patch {patch} to use it",
        )


def read_epochs(path: Path) -> list[Epoch]:
    """Return the epochs the engine wrote to `path`, best first, without those it did not rank.

    Raises:
        StorageError: The file cannot be read.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        epochs = [_epoch(json.loads(line)) for line in lines]
    except (OSError, ValueError, LookupError, TypeError) as exc:
        raise StorageError(
            f"the hyperopt result {path.name} cannot be read: {type(exc).__name__}",
            operation="read hyperopt result",
        ) from exc
    ranked = [
        epoch for epoch in epochs if math.isfinite(epoch.loss) and epoch.loss < _UNRANKED_LOSS
    ]
    return sorted(ranked, key=lambda epoch: (epoch.loss, epoch.number))


def config_patch(epoch: Epoch) -> dict[str, JsonValue]:
    """Return the configuration patch that sets the parameters of `epoch`."""
    details = epoch.details
    patch: dict[str, JsonValue] = {
        f"{space}_params": dict(details[space]) for space in ("buy", "sell") if details.get(space)
    }
    execution: dict[str, JsonValue] = {}
    for space in _EXECUTION_SPACES:
        execution |= details.get(space) or {}
    if details.get("roi"):
        execution["minimal_roi"] = {str(minute): gain for minute, gain in details["roi"].items()}
    return patch | ({"execution": execution} if execution else {})


def _epoch(values: dict[str, Any]) -> Epoch:
    metrics = values["results_metrics"]
    return Epoch(
        number=values["current_epoch"],
        loss=float(values["loss"]),
        trades=metrics["total_trades"],
        profit_ratio=float(metrics["profit_total"]),
        details=values["params_details"],
    )


def _figures(epochs: list[Epoch]) -> dict[str, JsonValue]:
    shown = {
        f"epoch_{epoch.number}": f"loss {epoch.loss:.6g}, {epoch.trades} trades, "
        f"profit {100 * epoch.profit_ratio:.2f} %"
        for epoch in epochs[:_SHOWN]
    }
    return {"ranked_epochs": len(epochs), "best_loss": epochs[0].loss, **shown}

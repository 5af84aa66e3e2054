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
from tradai.entrypoint.freqtrade._results.collected import EPOCHS_NAME

_PATCH_NAME: Final = "best.yaml"
_SHOWN: Final = 5
# The engine's loss for an epoch without enough trades to be ranked; a real loss, in the stake
# currency for instance, can be greater.
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

    result = EPOCHS_NAME

    def _record(self, job: EngineJob, context: RunContext, verdict: Verdict) -> Verdict:
        del job
        stored = context.folder.path / EPOCHS_NAME
        try:
            epochs = read_epochs(stored) if stored.exists() else []
        except StorageError:
            if verdict.is_success:
                raise
            return verdict
        if epochs:
            _write_patch(epochs[0], context)
            context.record.results |= _figures(epochs)
        return _conclusion(epochs, verdict, context.folder.path / _PATCH_NAME)


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
        epoch for epoch in epochs if math.isfinite(epoch.loss) and epoch.loss != _UNRANKED_LOSS
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


def _conclusion(epochs: list[Epoch], verdict: Verdict, patch: Path) -> Verdict:
    if epochs:
        before = "" if verdict.is_success else f"{verdict.sentence}; of the epochs so far, "
        best = f"epoch {epochs[0].number} is best; run with --patch {patch} to use it"
        return Verdict(exit_code=verdict.exit_code, sentence=before + best)
    if not verdict.is_success:
        return verdict
    return Verdict(
        exit_code=ExitCode.RESULT,
        sentence="no epoch of the hyperopt made enough trades to be ranked: widen the time "
        "range or the parameter ranges, or raise run.epochs",
    )


def _write_patch(best: Epoch, context: RunContext) -> None:
    note = f"# partial: the hyperopt did not finish; epoch {best.number} was best so far\n"
    text = OmegaConf.to_yaml(OmegaConf.create(config_patch(best)))
    is_partial = "is_partial" in context.record.results
    context.folder.write(_PATCH_NAME, note + text if is_partial else text)
    context.record.artifacts.append(_PATCH_NAME)


def _figures(epochs: list[Epoch]) -> dict[str, JsonValue]:
    shown = {
        f"epoch_{epoch.number}": f"loss {epoch.loss:.6g}, {epoch.trades} trades, "
        f"profit {100 * epoch.profit_ratio:.2f} %"
        for epoch in epochs[:_SHOWN]
    }
    return {"ranked_epochs": len(epochs), "best_loss": epochs[0].loss, **shown}

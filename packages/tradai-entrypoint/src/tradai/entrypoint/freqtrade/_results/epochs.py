"""Epochs of a hyperopt, as the engine wrote them."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

from tradai.core.exceptions import StorageError

# The engine's loss for an epoch without enough trades to be ranked; a real loss, in the stake
# currency for instance, can be greater.
_UNRANKED_LOSS: Final = 100_000
_ROI: Final = "roi"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """One trial: its number, its loss (lower is better) and its parameters.

    Attributes:
        details: Parameters by space, as the engine writes them.
        exact: Values by parameter, as the engine used them.
    """

    number: int
    loss: float
    trades: int
    profit_ratio: float
    drawdown_ratio: float | None
    details: Mapping[str, Any]
    exact: Mapping[str, Any]

    @property
    def is_ranked(self) -> bool:
        """Whether it made enough trades for the engine to rank it."""
        return math.isfinite(self.loss) and self.loss != _UNRANKED_LOSS

    @property
    def parameters(self) -> dict[str, Any]:
        """Values by ``space.name``; ``roi``, whose minutes are others in each epoch, is one."""
        return {
            f"{space}.{name}": value
            for space, values in self.details.items()
            for name, value in values.items()
            if space != _ROI
        } | {space: values for space, values in self.details.items() if space == _ROI}


def read_epochs(path: Path) -> list[Epoch]:
    """Return all epochs the engine wrote to `path`, in the order they ended.

    Raises:
        StorageError: The file cannot be read, or a line of it is cut off.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as exc:
        raise StorageError(
            f"the hyperopt result {path} cannot be read: {type(exc).__name__}",
            operation="read hyperopt result",
        ) from exc
    return [_of_line(line, number, path) for number, line in enumerate(lines, start=1)]


def _of_line(line: str, number: int, path: Path) -> Epoch:
    try:
        return _epoch(json.loads(line))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as exc:
        message = (
            f"line {number} of {path} is not a whole epoch: get the file again, or remove that "
            "line to read the other epochs"
        )
        raise StorageError(message, operation="read hyperopt result") from exc


def _epoch(values: dict[str, Any]) -> Epoch:
    metrics = values["results_metrics"]
    return Epoch(
        number=values["current_epoch"],
        loss=float(values["loss"]),
        trades=metrics["total_trades"],
        profit_ratio=float(metrics["profit_total"]),
        drawdown_ratio=metrics.get("max_drawdown_account"),
        details=values["params_details"],
        exact=values.get("params_dict", {}),
    )

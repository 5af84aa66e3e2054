"""Epochs of a hyperopt, as the engine wrote them."""

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

from tradai.core.exceptions import StorageError

# The engine's loss for an epoch without enough trades to be ranked; a real loss, in the stake
# currency for instance, can be greater.
_UNRANKED_LOSS: Final = 100_000
_ROI: Final = "roi"
# The beginning of a line, which has all trades of its epoch behind it.
_LINE_START: Final = re.compile(rb'\{"loss": ?(-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)[,}]')
_LONGEST_START: Final = 64


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
        return _is_ranked(self.loss)

    @property
    def parameters(self) -> dict[str, Any]:
        """Values by ``space.name``; ``roi``, whose minutes are others in each epoch, is one."""
        return {
            f"{space}.{name}": value
            for space, values in self.details.items()
            for name, value in values.items()
            if space != _ROI
        } | {space: values for space, values in self.details.items() if space == _ROI}


@final
class EpochProgress:
    """Epochs that a hyperopt has written so far, counted without parsing them.

    Attributes:
        tried: Number of epochs.
        best_loss: Lowest loss of an epoch that is ranked; None before the first.
    """

    def __init__(self, find: Callable[[], Path | None]) -> None:
        """Begin before the first epoch; `find` returns the engine's file once it is there."""
        self._find = find
        self._path: Path | None = None
        self._offset = 0
        self._line = b""
        self.tried = 0
        self.best_loss: float | None = None

    def read(self) -> bool:
        """Read what the engine has written since, and return whether that ended an epoch."""
        self._path = self._path or self._find()
        if self._path is None or self._path.stat().st_size == self._offset:
            return False
        with self._path.open("rb") as file:
            file.seek(self._offset)
            data = file.read()
        self._offset += len(data)
        *ended, rest = (self._line + data).split(b"\n")
        self._line = rest[:_LONGEST_START]
        for line in ended:
            self._take(line)
        return bool(ended)

    def _take(self, line: bytes) -> None:
        self.tried += 1
        start = _LINE_START.match(line[:_LONGEST_START])
        loss = float(start[1]) if start else math.inf
        if _is_ranked(loss):
            self.best_loss = loss if self.best_loss is None else min(self.best_loss, loss)

    def sentence(self, total: int) -> str:
        """Return how many of `total` epochs there are, and the best loss."""
        best = "none ranked yet" if self.best_loss is None else f"best loss {self.best_loss:.6g}"
        return f"epoch {self.tried} of {total}, {best}"


def _is_ranked(loss: float) -> bool:
    return math.isfinite(loss) and loss != _UNRANKED_LOSS


def read_epochs(path: Path, *, is_unfinished: bool = False) -> list[Epoch]:
    """Return all epochs the engine wrote to `path`, in the order they ended.

    Args:
        path: A file with a line for each epoch.
        is_unfinished: The engine writes it or was killed: a last line without an end is left out.

    Raises:
        StorageError: The file cannot be read, or a line of it is cut off.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as exc:
        raise StorageError(
            f"the hyperopt result {path} cannot be read: {type(exc).__name__}",
            operation="read hyperopt result",
        ) from exc
    lines = text[: text.rfind("\n") + 1 if is_unfinished else None].splitlines()
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

"""Keep what FreqAI learns from, in the engine's own process, until its models are measured.

FreqAI (freqtrade 2026.9) stores a model with its train rows, and drops labels and test rows.
"""

import pickle
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, Protocol

from tradai.core import file_errors
from tradai.core.exceptions import NotFoundError

if TYPE_CHECKING:
    import pandas as pd

_REASON: Final = "unrecorded.txt"


class Kitchen(Protocol):
    """The parts that are read of FreqAI's data of one pair."""

    model_filename: str
    label_list: Sequence[str]
    data: "Mapping[str, pd.Series[int]]"
    data_dictionary: "Mapping[str, pd.DataFrame]"


def record_trainings(folder: Path) -> None:
    """Have FreqAI keep in `folder` the labels and the test rows of each model that it saves.

    Where it cannot be done, the reason is kept there: see `unrecorded_reason`.
    """
    folder.mkdir(exist_ok=True)
    try:
        kitchens, find_labels = _method("data_kitchen", "FreqaiDataKitchen", "find_labels")
        drawers, save_data = _method("data_drawer", "FreqaiDataDrawer", "save_data")
    except (AttributeError, ImportError) as exc:
        _note_reason(folder, f"FreqAI lacks the methods by which they are recorded ({exc})")
        return
    # FreqAI trains one model after the other, and finds the labels just before.
    began = [perf_counter()]

    def timed_find_labels(*given: object, **named: object) -> object:
        began[0] = perf_counter()
        return find_labels(*given, **named)

    def recorded_save_data(*given: object, **named: object) -> object:
        seconds = perf_counter() - began[0]
        saved = save_data(*given, **named)
        # A model class of the strategy may do without the engine's tables, and a disk may be full:
        # its errors are then not known, which is no reason to lose the model.
        try:
            _keep(folder, given, seconds=seconds)
        except (AttributeError, LookupError, OSError, TypeError, ValueError) as exc:
            _note_reason(folder, f"they could not be recorded ({type(exc).__name__}: {exc})")
        return saved

    kitchens.find_labels, drawers.save_data = timed_find_labels, recorded_save_data


def unrecorded_reason(folder: Path) -> str | None:
    """Return the first reason for which a training was not recorded in `folder`; None without one.

    Raises:
        StorageError: It cannot be read.
    """
    with suppress(NotFoundError), file_errors("read", folder / _REASON):
        return (folder / _REASON).read_text(encoding="utf-8")
    return None


def _method(module: str, owner: str, name: str) -> tuple[Any, Callable[..., object]]:
    """Return a class of FreqAI and one of its methods."""
    found = getattr(import_module(f"freqtrade.freqai.{module}"), owner)
    return found, getattr(found, name)


def _note_reason(folder: Path, reason: str) -> None:
    with suppress(OSError), (folder / _REASON).open("x", encoding="utf-8") as file:
        file.write(reason)


def _keep(folder: Path, given: tuple[Any, ...], *, seconds: float) -> None:
    """Keep what a model was trained on, from what was `given` to save it."""
    kitchen: Kitchen
    _, _, pair, kitchen = given
    tables = kitchen.data_dictionary
    dates = tables["train_dates"]
    has_test = len(tables["test_features"]) > 0
    kept = {
        "pair": pair,
        "seconds": seconds,
        "first": dates.min().isoformat(),
        "last": dates.max().isoformat(),
        "rows": len(kitchen.data["filter_drop_index_training"]),
        "labels": list(kitchen.label_list),
        "train_labels": tables["train_labels"],
        "test_labels": tables["test_labels"] if has_test else None,
        "test_features": tables["test_features"] if has_test else None,
    }
    # The name has the coin and the time, and a plan has one pair of a coin: its stake currency's.
    (folder / f"{kitchen.model_filename}.pkl").write_bytes(pickle.dumps(kept))

"""Keep what FreqAI learns from, in the engine's own process, until its models are measured.

FreqAI (freqtrade 2026.9) stores a model with its train rows, and drops labels and test rows.
"""

import contextlib
import importlib
import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import pandas as pd


class Kitchen(Protocol):
    """The parts that are read of FreqAI's data of one pair."""

    model_filename: str
    label_list: Sequence[str]
    data: "Mapping[str, pd.Series[int]]"
    data_dictionary: "Mapping[str, pd.DataFrame]"


def record_trainings(folder: Path) -> None:
    """Have FreqAI keep in `folder` the labels and the test rows of each model that it saves."""
    folder.mkdir(exist_ok=True)
    kitchens = importlib.import_module("freqtrade.freqai.data_kitchen").FreqaiDataKitchen
    drawers = importlib.import_module("freqtrade.freqai.data_drawer").FreqaiDataDrawer
    find_labels, save_data = kitchens.find_labels, drawers.save_data
    # FreqAI trains one model after the other, and finds the labels just before.
    began = [perf_counter()]

    def timed_find_labels(kitchen: Kitchen, table: object) -> None:
        began[0] = perf_counter()
        find_labels(kitchen, table)

    def recorded_save_data(drawer: object, model: object, pair: str, kitchen: Kitchen) -> None:
        seconds = perf_counter() - began[0]
        save_data(drawer, model, pair, kitchen)
        # A model class of the strategy may do without the engine's tables, and a disk may be full:
        # its errors are then not known, which is no reason to lose the model.
        with contextlib.suppress(AttributeError, LookupError, OSError, TypeError, ValueError):
            # The name has the coin and the time, and a plan has one pair of a coin.
            _keep(folder / f"{kitchen.model_filename}.pkl", kitchen, pair=pair, seconds=seconds)

    kitchens.find_labels, drawers.save_data = timed_find_labels, recorded_save_data


def _keep(file: Path, kitchen: Kitchen, *, pair: str, seconds: float) -> None:
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
    file.write_bytes(pickle.dumps(kept))

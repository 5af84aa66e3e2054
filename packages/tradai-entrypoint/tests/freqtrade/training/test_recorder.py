"""Recorder of trainings, on stand-ins for the two classes of FreqAI that it extends."""

import pickle
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from tradai.entrypoint.freqtrade._training.recorder import record_trainings

if TYPE_CHECKING:
    import pandas as pd

PAIR = "BTC/USDT"


@pytest.fixture
def freqai(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Classes with FreqAI's names and signatures; saved models are in `saved`."""
    saved: list[tuple[object, str]] = []

    class FreqaiDataKitchen:
        model_filename = "cb_btc_1"

        def find_labels(self, dataframe: "pd.DataFrame") -> None:
            self.label_list = [name for name in dataframe if "&" in str(name)]

    class FreqaiDataDrawer:
        def save_data(self, model: object, coin: str, dk: object) -> None:
            assert isinstance(dk, FreqaiDataKitchen)
            saved.append((model, coin))

    for owner in (FreqaiDataKitchen, FreqaiDataDrawer):
        name = "kitchen" if owner is FreqaiDataKitchen else "drawer"
        module = ModuleType(f"freqtrade.freqai.data_{name}")
        setattr(module, owner.__name__, owner)
        monkeypatch.setitem(sys.modules, module.__name__, module)
    for parent in ("freqtrade", "freqtrade.freqai"):
        monkeypatch.setitem(sys.modules, parent, ModuleType(parent))
    return SimpleNamespace(kitchen=FreqaiDataKitchen, drawer=FreqaiDataDrawer, saved=saved)


def train(freqai: SimpleNamespace, *, test_rows: int = 1, has_tables: bool = True) -> object:
    """Return the data of a pair, as FreqAI has them when it saves a model."""
    import pandas as pd

    kitchen = freqai.kitchen()
    kitchen.find_labels(pd.DataFrame({"%-hour": [1], "&-rise": [0.5]}))
    kitchen.data = {"filter_drop_index_training": pd.Series([0, 0, 0, 1])}
    kitchen.data_dictionary = {
        "train_dates": pd.Series(pd.date_range("2025-01-01", periods=3, tz="UTC")),
        "train_labels": pd.DataFrame({"&-rise": [0.5, 0.25]}),
        "test_features": pd.DataFrame({"%-hour": [3] * test_rows}),
        "test_labels": pd.DataFrame({"&-rise": [1.0] * test_rows}),
    }
    if not has_tables:
        kitchen.data_dictionary = {}
    return kitchen


def kept_of(file: Path) -> dict[str, Any]:
    # The recorder of this test wrote it.
    kept: dict[str, Any] = pickle.loads(file.read_bytes())  # noqa: S301
    return kept


def test_labels_and_test_rows_of_a_model_are_kept_when_it_is_saved(
    freqai: SimpleNamespace, tmp_path: Path
) -> None:
    record_trainings(tmp_path / "training")

    freqai.drawer().save_data("a model", PAIR, train(freqai))

    assert freqai.saved == [("a model", PAIR)]
    kept = kept_of(tmp_path / "training/cb_btc_1.pkl")
    assert (kept["pair"], kept["labels"], kept["rows"]) == (PAIR, ["&-rise"], 4)
    assert (kept["first"], kept["last"]) == (
        "2025-01-01T00:00:00+00:00",
        "2025-01-03T00:00:00+00:00",
    )
    assert list(kept["train_labels"]["&-rise"]) == [0.5, 0.25]
    assert list(kept["test_labels"]["&-rise"]) == [1.0]
    assert kept["seconds"] >= 0


def test_a_training_without_test_rows_has_none(freqai: SimpleNamespace, tmp_path: Path) -> None:
    record_trainings(tmp_path)

    freqai.drawer().save_data("a model", PAIR, train(freqai, test_rows=0))

    kept = kept_of(tmp_path / "cb_btc_1.pkl")
    assert (kept["test_labels"], kept["test_features"]) == (None, None)


def test_a_model_that_does_without_the_tables_of_the_engine_is_saved_all_the_same(
    freqai: SimpleNamespace, tmp_path: Path
) -> None:
    record_trainings(tmp_path)

    freqai.drawer().save_data("a model", PAIR, train(freqai, has_tables=False))

    assert freqai.saved == [("a model", PAIR)]
    assert list(tmp_path.iterdir()) == []

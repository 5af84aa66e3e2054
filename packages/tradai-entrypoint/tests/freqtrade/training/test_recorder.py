"""Recorder of trainings, on stand-ins for the two classes of FreqAI that it extends."""

import pickle
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from tradai.entrypoint.freqtrade._training.recorder import record_trainings, unrecorded_reason

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


def train(freqai: SimpleNamespace, *, test_rows: int = 1, lacks: str | None = None) -> object:
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
    kitchen.data_dictionary.pop(lacks, None)
    return kitchen


def kept_of(file: Path) -> dict[str, Any]:
    # The recorder of this test wrote it.
    kept: dict[str, Any] = pickle.loads(file.read_bytes())  # noqa: S301
    return kept


def test_labels_and_test_rows_of_a_model_are_kept_when_it_is_saved(
    freqai: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # At the start, when the labels are found, and when the model is saved.
    clock = iter([5.0, 10.0, 12.5])
    monkeypatch.setattr(
        "tradai.entrypoint.freqtrade._training.recorder.perf_counter", clock.__next__
    )
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
    assert kept["seconds"] == 2.5


def test_a_training_without_test_rows_has_none(freqai: SimpleNamespace, tmp_path: Path) -> None:
    record_trainings(tmp_path)

    freqai.drawer().save_data("a model", PAIR, train(freqai, test_rows=0))

    kept = kept_of(tmp_path / "cb_btc_1.pkl")
    assert (kept["test_labels"], kept["test_features"]) == (None, None)


def test_a_model_that_does_without_the_tables_of_the_engine_is_saved_all_the_same(
    freqai: SimpleNamespace, tmp_path: Path
) -> None:
    record_trainings(tmp_path)

    freqai.drawer().save_data("a model", PAIR, train(freqai, lacks="train_dates"))

    assert freqai.saved == [("a model", PAIR)]
    assert not list(tmp_path.glob("*.pkl"))
    assert unrecorded_reason(tmp_path) == "they could not be recorded (KeyError: 'train_dates')"


def test_a_training_that_is_recorded_has_no_reason_against_it(
    freqai: SimpleNamespace, tmp_path: Path
) -> None:
    record_trainings(tmp_path)

    freqai.drawer().save_data("a model", PAIR, train(freqai))

    assert unrecorded_reason(tmp_path) is None


def test_the_first_of_several_reasons_is_kept(freqai: SimpleNamespace, tmp_path: Path) -> None:
    record_trainings(tmp_path)

    freqai.drawer().save_data("a model", PAIR, train(freqai, lacks="test_features"))
    freqai.drawer().save_data("a model", PAIR, train(freqai, lacks="train_dates"))

    assert "'test_features'" in str(unrecorded_reason(tmp_path))


@pytest.mark.parametrize(
    ("owner", "name"), [("kitchen", "find_labels"), ("drawer", "save_data"), ("drawer", None)]
)
def test_a_freqai_without_the_methods_trains_and_the_reason_names_them(
    freqai: SimpleNamespace,
    owner: str,
    name: str | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if name is None:
        monkeypatch.setitem(sys.modules, "freqtrade.freqai.data_drawer", None)
    else:
        monkeypatch.delattr(getattr(freqai, owner), name)
    before = dict(vars(freqai.kitchen)), dict(vars(freqai.drawer))

    record_trainings(tmp_path)

    reason = str(unrecorded_reason(tmp_path))
    assert reason.startswith("FreqAI lacks the methods by which they are recorded (")
    assert (name or "data_drawer") in reason
    assert (dict(vars(freqai.kitchen)), dict(vars(freqai.drawer))) == before


def test_methods_with_other_parameters_are_called_with_what_they_are_given(
    freqai: SimpleNamespace, tmp_path: Path
) -> None:
    freqai.drawer.save_data = lambda _self, model, *, pair, **_: (model, pair)
    freqai.kitchen.find_labels = lambda _self, *, table: table
    record_trainings(tmp_path)

    found = freqai.kitchen().find_labels(table="a table")
    saved = freqai.drawer().save_data("a model", pair=PAIR, kitchen=None)

    assert (found, saved) == ("a table", ("a model", PAIR))
    assert "they could not be recorded (ValueError: not enough" in str(unrecorded_reason(tmp_path))

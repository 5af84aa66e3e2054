"""Reasons to doubt the models of a training."""

import re
from pathlib import Path
from typing import Any

import pytest

from tradai.core import JsonValue
from tradai.core.exceptions import StorageError
from tradai.entrypoint.freqtrade._training.cautions import FEW_ROWS, OVERFIT, cautions
from tradai.entrypoint.freqtrade._training.record import TrainingRecord

# A training of the real engine: two pairs, two models each, one label.
RECORDED = TrainingRecord.read(Path(__file__).parent / "data/training.json")
SOUND = {"is_constant": False, "train": 0.9, "test": 0.95, "train_baseline": 1, "test_baseline": 1}


def training(errors: dict[str, Any] | None = None, **facts: int) -> TrainingRecord:
    """Return a training whose models are sound, but for the first one."""
    (label,) = RECORDED.models[0].errors
    sound = label.model_copy(update=SOUND)
    first, *others = (model.model_copy(update={"errors": (sound,)}) for model in RECORDED.models)
    doubtful = first.model_copy(
        update={"errors": (sound.model_copy(update=errors or {}),), **facts}
    )
    return RECORDED.model_copy(update={"models": (doubtful, *others)})


def test_sound_models_need_no_caution() -> None:
    assert list(cautions(training(), {})) == []


@pytest.mark.parametrize(
    ("errors", "facts", "reason"),
    [
        ({"is_constant": True}, {}, "a label has the same value in all train rows"),
        ({"test": 1.0}, {}, "on test rows no better than the baseline"),
        ({"train": 0.5, "test": 0.5 * OVERFIT + 0.01}, {}, "overfit"),
        ({}, {"train_rows": FEW_ROWS * 25 - 1, "features": 25}, "train rows for each feature"),
        ({"test": None, "test_baseline": None}, {"test_rows": 0}, "without test rows"),
    ],
)
def test_a_caution_names_its_reason_the_number_of_models_and_their_pairs(
    errors: dict[str, Any], facts: dict[str, int], reason: str
) -> None:
    (caution,) = cautions(training(errors, **facts), {})

    assert caution.startswith("1 of 4 models (BTC/USDT): ")
    assert reason in caution


def test_models_of_the_recorded_training_learnt_little_that_lasts() -> None:
    no_better, overfit = cautions(RECORDED, {})

    assert no_better.startswith("3 of 4 models (BTC/USDT, ETH/USDT): on test rows no better")
    assert overfit.startswith("3 of 4 models (BTC/USDT, ETH/USDT): overfit")


@pytest.mark.parametrize(("shuffle", "is_doubtful"), [(True, True), (False, False)])
def test_test_rows_from_among_the_train_rows_are_doubtful(
    *, shuffle: bool, is_doubtful: bool
) -> None:
    freqai: dict[str, JsonValue] = {"data_split_parameters": {"shuffle": shuffle}}

    found = list(cautions(training(), freqai))

    assert any("neighbours in time" in each for each in found) is is_doubtful


def test_a_record_with_an_infinite_number_is_not_readable(tmp_path: Path) -> None:
    damaged = tmp_path / "training.json"
    damaged.write_text(
        re.sub(r'"train":[^,]+', '"train":1e999', RECORDED.model_dump_json(), count=1)
    )

    with pytest.raises(StorageError, match=r"errors\.0\.train: must be a finite number"):
        TrainingRecord.read(damaged)


def test_a_damaged_record_is_not_readable(tmp_path: Path) -> None:
    damaged = tmp_path / "training.json"
    damaged.write_text('{"kind": ')

    with pytest.raises(StorageError, match=r"training\.json cannot be read.*or train again"):
        TrainingRecord.read(damaged)


def test_an_edited_record_is_refused_with_the_place_of_the_edit(tmp_path: Path) -> None:
    edited = tmp_path / "training.json"
    edited.write_text(RECORDED.model_dump_json().replace('"kind":', '"sort":'))

    with pytest.raises(StorageError, match=r"cannot be read \(kind: is missing.*\): put it back"):
        TrainingRecord.read(edited)

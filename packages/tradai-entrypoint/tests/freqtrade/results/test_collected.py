from pathlib import Path

import pytest

from tradai.core.exceptions import StorageError
from tradai.entrypoint.freqtrade._results.collected import collect_results

WRITTEN = {
    "hyperopt_results/strategy_Demo_1.fthypt": "{}\n{}\n",
    "backtest_results/backtest-result-1.zip": "archive",
    "models/demo/sub-train-BTC_1/cb_btc_1_model.joblib": "model",
}


@pytest.fixture
def user_data(tmp_path: Path) -> Path:
    """The user folder of an engine that wrote everything there is."""
    folder = tmp_path / "scratch" / "user_data"
    for name, text in WRITTEN.items():
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_text(text)
    return folder


def test_what_the_engine_wrote_is_moved_under_our_names(user_data: Path, tmp_path: Path) -> None:
    kept = collect_results(user_data, tmp_path)

    assert kept == ["epochs.jsonl", "engine-result.zip", "models"]
    assert (tmp_path / "epochs.jsonl").read_text() == "{}\n{}\n"
    assert (tmp_path / "models/demo/sub-train-BTC_1/cb_btc_1_model.joblib").exists()


def test_models_are_kept_whose_identifier_has_a_slash(user_data: Path, tmp_path: Path) -> None:
    (user_data / "models/demo").rename(user_data / "models/week")
    (user_data / "models/demo").mkdir()
    (user_data / "models/week").rename(user_data / "models/demo/week")

    assert "models" in collect_results(user_data, tmp_path)
    assert (tmp_path / "models/demo/week/sub-train-BTC_1/cb_btc_1_model.joblib").exists()


def test_a_last_line_without_its_end_is_left_out(user_data: Path, tmp_path: Path) -> None:
    (user_data / "hyperopt_results/strategy_Demo_1.fthypt").write_text('{"loss":1}\n{"lo')

    collect_results(user_data, tmp_path)

    assert (tmp_path / "epochs.jsonl").read_text() == '{"loss":1}\n'


def test_a_folder_of_models_without_a_model_is_no_result(user_data: Path, tmp_path: Path) -> None:
    next(user_data.rglob("*_model.joblib")).unlink()

    assert "models" not in collect_results(user_data, tmp_path)


def test_what_cannot_be_moved_does_not_keep_the_rest_from_it(
    user_data: Path, tmp_path: Path
) -> None:
    (tmp_path / "engine-result.zip").mkdir()

    with pytest.raises(StorageError, match=f"is still in {user_data.parent}"):
        collect_results(user_data, tmp_path)

    assert (tmp_path / "epochs.jsonl").exists()
    assert (tmp_path / "models").exists()
    assert (user_data / "backtest_results/backtest-result-1.zip").exists()

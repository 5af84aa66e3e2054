"""Part of a report that shows the models of a training."""

from pathlib import Path

import pytest

from tradai.entrypoint._report.model import Figure, RunReport, RunReportParts
from tradai.entrypoint._report.page import render_report
from tradai.entrypoint.freqtrade._pages.training_page import (
    MOST_FEATURES,
    MOST_ROWS,
    training_parts,
)
from tradai.entrypoint.freqtrade._training.record import Importance, TrainedModel, TrainingRecord

# A training of the real engine: two pairs, two models each, one label.
RECORDED = TrainingRecord.read(Path(__file__).parents[1] / "training/data/training.json")


def section(parts: RunReportParts, title: str) -> str:
    return next(each.content for each in parts.sections if each.title == title)


def repeated(model: TrainedModel, times: int) -> TrainingRecord:
    return RECORDED.model_copy(update={"models": (model,) * times})


def test_the_page_has_the_errors_beside_those_of_the_baseline() -> None:
    parts = training_parts(RECORDED, None)

    table = section(parts, "Train and test error")
    (first, second) = (model.errors[0] for model in RECORDED.models[:2])
    assert first.test
    assert second.test
    assert f">{(first.test + second.test) / 2:.4g}<" in table
    assert 'class="bad">1.08<' in table
    assert 'class="good">0.89<' in section(parts, "Models")
    assert ">1 of 2<" in table
    assert ">0 of 2<" in table
    assert "always the mean of the train rows" in table
    assert parts.highlights == (
        Figure("Models", "4"),
        Figure("Better than the baseline", "1 of 4"),
        Figure("Test error over the baseline's", "1.14"),
    )


def test_features_that_matter_come_first() -> None:
    content = section(training_parts(RECORDED, None), "Feature importance")

    names = [name.partition("<")[0] for name in content.split("<code>")[1:]]
    shares = RECORDED.importances[0].shares
    assert names[0] == "%-hour"
    known = {name.replace("_BTC/USDT_15m", "") for name in shares}
    assert len(names) == 19
    assert set(names) < known
    assert "Not used by any model: 6 features." in content
    assert "number of splits" in content


def test_models_without_importance_say_so() -> None:
    record = RECORDED.model_copy(update={"kind": "MLPRegressor", "importances": ()})

    content = section(training_parts(record, None), "Feature importance")

    assert "Models of the class MLPRegressor do not say how much each feature matters" in content


def test_each_label_has_its_own_table_of_importance() -> None:
    shares = {"%-hour": 1.0}
    record = RECORDED.model_copy(
        update={
            "importances": tuple(
                Importance(pair="BTC/USDT", label=label, method="gain", shares=shares)
                for label in ("&-low", "&-high")
            )
        }
    )

    content = section(training_parts(record, None), "Feature importance")

    assert content.count("<table") == 2
    assert "Share for &amp;-low" in content


def test_a_page_says_when_it_leaves_models_or_features_out() -> None:
    many = repeated(RECORDED.models[0], MOST_ROWS + 1)
    shares = {f"%-{number}": 1 / 100 for number in range(MOST_FEATURES + 1)}
    importance = Importance(pair="BTC/USDT", label="&-rise", method="gain", shares=shares)

    parts = training_parts(many.model_copy(update={"importances": (importance,)}), None)

    assert f"The first {MOST_ROWS} of {MOST_ROWS + 1}, by pair" in section(parts, "Models")
    assert f"The first {MOST_FEATURES} of {MOST_FEATURES + 1};" in section(
        parts, "Feature importance"
    )


def test_the_chart_has_the_test_error_of_each_model_at_the_end_of_its_training() -> None:
    (chart,) = training_parts(RECORDED, None).curves

    assert [curve.label for curve in chart.curves] == ["BTC/USDT", "ETH/USDT"]
    assert list(chart.curves[0].at) == [model.last.timestamp() for model in RECORDED.models[:2]]
    assert chart.curves[0].values[0] == pytest.approx(RECORDED.models[0].errors[0].test_ratio)


def test_a_pair_with_one_model_has_no_curve() -> None:
    assert training_parts(repeated(RECORDED.models[0], 1), None).curves == ()


def test_models_without_test_rows_have_errors_of_the_train_rows_only() -> None:
    (errors,) = RECORDED.models[0].errors
    untested = errors.model_copy(update={"test": None, "test_baseline": None})
    model = RECORDED.models[0].model_copy(update={"errors": (untested,), "test_rows": 0})

    parts = training_parts(repeated(model, 1), None)

    assert f">{errors.train:.4g}<" in section(parts, "Models")
    assert parts.highlights[2].value == "\N{EN DASH}"


def test_the_share_of_wrong_classes_is_shown_in_percent() -> None:
    (errors,) = RECORDED.models[0].errors
    wrong = errors.model_copy(update={"measure": "error rate", "test": 0.25})
    model = RECORDED.models[0].model_copy(update={"errors": (wrong,)})

    assert ">25.0 %<" in section(training_parts(repeated(model, 1), None), "Models")


def test_the_backtest_by_the_models_follows_them_on_the_page() -> None:
    traded = RunReportParts(
        highlights=(Figure("Profit", "+1 USDT"), Figure("Trades", "3")),
        figures=(Figure("Fees", "0"),),
        numbers={"kept": 1},
    )

    parts = training_parts(RECORDED, traded)

    assert parts.highlights[-1] == Figure("Profit", "+1 USDT")
    assert [figure.label for figure in parts.figures][-2:] == ["Trades", "Fees"]
    assert parts.numbers["kept"] == 1
    assert parts.numbers["training"] == RECORDED.model_dump(mode="json")


def test_names_of_features_are_text_on_the_page() -> None:
    shares = {"%-<script>alert(1)</script>": 1.0}
    importance = Importance(pair="BTC/USDT", label="<b>", method="gain", shares=shares)
    record = RECORDED.model_copy(update={"importances": (importance,)})
    at = RECORDED.models[0].first

    page = render_report(
        RunReport(
            run_id="t",
            mode="train",
            exit_code=0,
            verdict="",
            started_at=at,
            ended_at=at,
            parts=training_parts(record, None),
        )
    )

    assert "<script>alert" not in page
    assert "<b>" not in page

"""Part of the report of a training: errors, models, features and their importance."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from math import fsum
from typing import Final

from tradai.core import JsonValue
from tradai.entrypoint._report.curves import Curve, CurveChart
from tradai.entrypoint._report.formatting import NOTHING, counted, duration, percent, plain
from tradai.entrypoint._report.html import Markup, element, joined
from tradai.entrypoint._report.model import Figure, ReportSection, RunReportParts
from tradai.entrypoint._report.tables import plain_table, share_bar, text_head
from tradai.entrypoint.freqtrade._training.cautions import is_better
from tradai.entrypoint.freqtrade._training.features import (
    FeatureName,
    feature_groups,
    feature_shares,
)
from tradai.entrypoint.freqtrade._training.record import (
    TRAINING_NAME,
    LabelErrors,
    TrainedModel,
    TrainingRecord,
)

MOST_ROWS: Final = 200
MOST_FEATURES: Final = 30
MOST_CURVES: Final = 8
_METHOD: Final = (
    "An error is the root of the mean squared error, in the unit of the label, or the share of "
    "wrong classes. Beside it stands that of a baseline without a model: always the mean of the "
    "train rows, or their most frequent class. A ratio below 1 is better than the baseline. Rows "
    "have equal weight. Test rows are those that FreqAI left out of the training "
    "(data_split_parameters); several models are shown by their mean."
)
_IMPORTANCE: Final = (
    "Share of what the models themselves count ({methods}), as a mean over all models. It says "
    "how much a feature was used, not whether it helps on new candles."
)
_NO_IMPORTANCE: Final = (
    "Models of the class {kind} do not say how much each feature matters. Those of LightGBM, "
    "XGBoost, CatBoost and the trees of scikit-learn do."
)
_OVER_TIME: Final = (
    "Test error of each model over the baseline's, at the end of its training: below 1 the model "
    "is better."
)


def training_parts(record: TrainingRecord, traded: RunReportParts | None) -> RunReportParts:
    """Return the parts of the report of a training.

    Args:
        record: Its models.
        traded: Parts that show the backtest by its models; None without a usable one.
    """
    base = traded or RunReportParts()
    chart = _chart(record.models)
    return replace(
        base,
        highlights=(*_highlights(record), *base.highlights[:1]),
        figures=(*_figures(record), *(base.highlights[1:] if traded else ()), *base.figures),
        curves=(*base.curves, *((chart,) if chart else ())),
        sections=(*_sections(record, chart), *base.sections),
        numbers={**base.numbers, "training": _numbers(record)},
    )


def mean_ratio(models: Sequence[TrainedModel]) -> float | None:
    """Return the mean test error as a ratio of the baseline's, over all models and labels."""
    return _mean([each.test_ratio for model in models for each in model.errors])


def _highlights(record: TrainingRecord) -> Iterator[Figure]:
    models = record.models
    better = sum(map(is_better, models))
    yield Figure("Models", str(len(models)))
    yield Figure("Better than the baseline", f"{better} of {len(models)}")
    yield Figure("Test error over the baseline's", plain(mean_ratio(models), 2))


def _figures(record: TrainingRecord) -> Iterator[Figure]:
    models = record.models
    yield Figure("class of the models", record.kind)
    yield Figure("time of all trainings", duration(fsum(each.seconds for each in models)))
    yield Figure("train rows of a model", _range([each.train_rows for each in models]))
    yield Figure("test rows of a model", _range([each.test_rows for each in models]))
    yield Figure("features of a model", _range([each.features for each in models]))


def _sections(record: TrainingRecord, chart: CurveChart | None) -> Iterator[ReportSection]:
    errors = (_errors_table(record), element("p", _METHOD, class_="remark"))
    yield ReportSection("Train and test error", joined(errors))
    if chart:
        yield ReportSection("Test error over time", chart.figure(_OVER_TIME))
    yield ReportSection("Feature importance", _importance(record))
    yield ReportSection("Features", _features_table(record))
    yield ReportSection("Models", _models_table(record))


def _chart(models: Sequence[TrainedModel]) -> CurveChart | None:
    """Return the chart of pairs with several models; None without one."""
    curves = tuple(_curves(models))[:MOST_CURVES]
    if not curves:
        return None
    title = "Test error of each model over the baseline's"
    return CurveChart(name="test-errors", title=title, curves=curves)


def _curves(models: Sequence[TrainedModel]) -> Iterator[Curve]:
    for pair, group in groupby(models, key=lambda model: model.pair):
        ratios = {model.last: mean_ratio([model]) for model in group}
        known = {at.timestamp(): ratio for at, ratio in ratios.items() if ratio is not None}
        if len(known) > 1:
            yield Curve(label=pair, at=list(known), values=list(known.values()))


def _errors_table(record: TrainingRecord) -> Markup:
    heads = (
        *("Pair", text_head("Label"), "Models", "Train error", "Baseline", "Ratio"),
        *("Test error", "Baseline", "Ratio", "Better on test"),
    )
    labels = dict.fromkeys(each.label for model in record.models for each in model.errors)
    rows = (
        _errors_row(pair, label, [_of_label(model, label) for model in group])
        for label in labels
        for pair, group in groupby(record.models, key=lambda model: model.pair)
    )
    return plain_table("Train and test error", heads, rows)


def _of_label(model: TrainedModel, label: str) -> LabelErrors | None:
    return next((each for each in model.errors if each.label == label), None)


def _errors_row(pair: str, label: str, found: Sequence[LabelErrors | None]) -> tuple[Markup, ...]:
    errors = [each for each in found if each is not None]
    ratio = _mean([each.test_ratio for each in errors])
    better = sum(each.test_ratio is not None and each.test_ratio < 1 for each in errors)
    return (
        element("th", pair, scope="row"),
        element("td", element("code", label), class_="text"),
        element("td", str(len(errors))),
        element("td", _error(_mean([each.train for each in errors]), errors)),
        element("td", _error(_mean([each.train_baseline for each in errors]), errors)),
        element("td", plain(_mean([each.train_ratio for each in errors]), 2)),
        element("td", _error(_mean([each.test for each in errors]), errors)),
        element("td", _error(_mean([each.test_baseline for each in errors]), errors)),
        element("td", plain(ratio, 2), class_=_tone(ratio)),
        element("td", f"{better} of {len(errors)}" if ratio is not None else NOTHING),
    )


def _importance(record: TrainingRecord) -> Markup:
    tables = list(_importance_tables(record))
    if not tables:
        return element("p", _NO_IMPORTANCE.format(kind=record.kind), class_="remark")
    methods = " and ".join(dict.fromkeys(each.method for each in record.importances))
    return joined((*tables, element("p", _IMPORTANCE.format(methods=methods), class_="remark")))


def _importance_tables(record: TrainingRecord) -> Iterator[Markup]:
    by_label = feature_shares(record)
    for label, shares in by_label.items():
        used = [(feature, share) for feature, share in shares.items() if share > 0]
        rows = (_importance_row(*each, used[0][1]) for each in used[:MOST_FEATURES])
        title = f"Feature importance for {label}" if len(by_label) > 1 else "Feature importance"
        heads = ("Feature", f"Share for {label}", text_head("Of"))
        yield plain_table(title, heads, rows, class_="numbers long-names")
        remark = " ".join(_left_out(len(used), len(shares)))
        yield element("p", remark, class_="remark") if remark else Markup()


def _importance_row(feature: FeatureName, share: float, largest: float) -> tuple[Markup, ...]:
    return (
        element("th", element("code", feature.name), scope="row"),
        element("td", share_bar(share, largest), percent(share), class_="amount"),
        element("td", feature.place, class_="text"),
    )


def _left_out(used: int, all_of_them: int) -> Iterator[str]:
    """Yield sentences on features that the table does not have."""
    if used > MOST_FEATURES:
        yield f"The first {MOST_FEATURES} of {used:,}; {TRAINING_NAME} has the others."
    if used < all_of_them:
        yield f"Not used by any model: {counted(all_of_them - used, 'feature')}."


def _features_table(record: TrainingRecord) -> Markup:
    rows = (
        (
            element("th", group.place, scope="row"),
            element("td", plain(group.features, 0)),
            element("td", percent(group.share)),
        )
        for group in feature_groups(record)
    )
    return plain_table("Features", ("Pair and timeframe", "Features of a model", "Share"), rows)


def _models_table(record: TrainingRecord) -> Markup:
    heads = (
        *("Pair", text_head("First and last candle"), "Train rows", "Test rows"),
        *(text_head("Label"), "Train error", "Test error", "Test ratio", "Took"),
    )
    every = [(model, errors) for model in record.models for errors in model.errors]
    rows = (_model_row(model, errors) for model, errors in every[:MOST_ROWS])
    number = f"The first {MOST_ROWS} of {len(every):,}" if len(every) > MOST_ROWS else "All models"
    text = f"{number}, by pair and time; {TRAINING_NAME} has them to the minute. Days are in UTC."
    return joined((plain_table("Models", heads, rows), element("p", text, class_="remark")))


def _model_row(model: TrainedModel, errors: LabelErrors) -> tuple[Markup, ...]:
    window = f"{model.first:%Y-%m-%d} to {model.last:%Y-%m-%d}"
    return (
        element("th", model.pair, scope="row"),
        element("td", window, class_="text"),
        *map(_count, (model.train_rows, model.test_rows)),
        element("td", element("code", errors.label), class_="text"),
        element("td", _error(errors.train, [errors])),
        element("td", _error(errors.test, [errors])),
        element("td", plain(errors.test_ratio, 2), class_=_tone(errors.test_ratio)),
        element("td", duration(model.seconds)),
    )


def _count(number: int) -> Markup:
    return element("td", plain(number, 0))


def _numbers(record: TrainingRecord) -> JsonValue:
    numbers: JsonValue = record.model_dump(mode="json")
    return numbers


def _error(value: float | None, errors: Sequence[LabelErrors]) -> str:
    """Return an error in percent where it is a share of classes, else with four digits."""
    if any(each.measure == "error rate" for each in errors):
        return percent(value)
    return NOTHING if value is None else f"{value:.4g}"


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fsum(known) / len(known) if known else None


def _range(counts: Sequence[int]) -> str:
    if not counts:
        return NOTHING
    least, most = min(counts), max(counts)
    return plain(least, 0) if least == most else f"{plain(least, 0)} to {plain(most, 0)}"


def _tone(ratio: float | None) -> str:
    return "even" if ratio is None else "good" if ratio < 1 else "bad"

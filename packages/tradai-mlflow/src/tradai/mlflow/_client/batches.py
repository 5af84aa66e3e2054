"""Metrics, parameters and tags of a run, split into the batches that every server accepts."""

import io
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, Literal, TypeAlias

from tradai.core import JsonValue
from tradai.core.exceptions import ValidationError
from tradai.mlflow._client.artifact_roots import artifact_root
from tradai.mlflow._client.artifacts import ArtifactCalls
from tradai.mlflow._client.entities import NOT_FINITE, RunMetric
from tradai.mlflow._client.limits import (
    KEY_LENGTH,
    PARAM_LENGTH,
    TAG_LENGTH,
    check_length,
    metric_value,
    spilled,
)
from tradai.mlflow._client.runs import RunCalls, about_run
from tradai.mlflow._http.deadline import Deadline

Item: TypeAlias = tuple[str, dict[str, JsonValue], int]

_ENDPOINT: Final = "runs/log-batch"
# The same on every version of MLflow; all kinds together count against `_ALL`.
_MOST: Final = {"metrics": 1_000, "params": 100, "tags": 100}
_ALL: Final = 1_000
_BYTES: Final = 900_000
_FRAME: Final = 80  # bytes of JSON around key and value, and of a metric's numbers


class BatchCalls(RunCalls, ArtifactCalls):
    """Calls that write what a run measured."""

    # Each argument is a part of the batch, or one of its two policies.
    def log_batch(  # noqa: PLR0913
        self,
        run_id: str,
        *,
        metrics: Iterable[RunMetric] = (),
        params: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
        non_finite: Literal["raise", "tag"] = "raise",
        long_values: Literal["raise", "artifact"] = "raise",
        deadline_s: float | None = None,
    ) -> None:
        """Write parameters, tags and points of metrics, in as few requests as MLflow allows.

        Sending the same again changes nothing: points carry their own times. Parameters and tags
        go first. When a later request fails, the earlier ones are written; repeat the call.

        Args:
            run_id: Run to write to.
            metrics: Points, in any order.
            params: Parameters, which can be written once.
            tags: Tags, which may be written again.
            non_finite: MLflow turns infinity into a number, so NaN and infinity are refused or,
                with ``"tag"``, kept apart: the last one of a metric with its step, in a tag
                ``tradai.not_finite.`` and the metric's name.
            long_values: MLflow cuts a parameter after 6,000 characters and a tag after 8,000, so a
                longer one is refused or, with ``"artifact"``, written to a file of the run, which
                the value then names with its SHA-256.
            deadline_s: Seconds for all of it.

        Raises:
            LimitExceededError: A key or a value is longer than the server keeps; nothing is sent.
            ValidationError: A metric is not finite or not a number, or a text is of another type;
                nothing is sent.
            ParameterConflictError: A parameter has another value already.
            RunNotFoundError: The run does not exist.
            MLflowError: The server refused, or gave no usable answer.
        """
        deadline = self._deadline(deadline_s)
        points = list(metrics)
        odd = _not_finite(points)
        if odd and non_finite == "raise":
            raise _not_finite_error(odd[0])
        tags = {**(tags or {}), **_odd_tags(odd)}
        params = params or {}
        if long_values == "artifact":
            params = self._shortened(run_id, params, PARAM_LENGTH, deadline)
            tags = self._shortened(run_id, tags, TAG_LENGTH, deadline)
        items = [
            *_texts("param", params, PARAM_LENGTH),
            *_texts("tag", tags, TAG_LENGTH),
            *_points(point for point in points if math.isfinite(point.value)),
        ]
        for batch in split(items):
            self._write(_ENDPOINT, {"run_id": run_id, **batch}, deadline, about_run(run_id))

    def _shortened(
        self, run_id: str, texts: Mapping[str, str], limit: int, deadline: Deadline
    ) -> dict[str, str]:
        """Return `texts` with the name of a file for each that is too long."""
        long = {key: value for key, value in texts.items() if len(value) > limit}
        if not long:
            return dict(texts)
        answer = self._get("runs/get", {"run_id": run_id}, deadline, about_run(run_id))
        root = artifact_root(answer["run"]["info"]["artifact_uri"])
        names = {}
        for key, value in long.items():
            path, names[key] = spilled(value)
            self._upload(root, io.BytesIO(value.encode()), path, deadline)
        return {**texts, **names}


def split(items: Iterable[Item]) -> Iterator[dict[str, list[JsonValue]]]:
    """Yield `items`, in their order, in batches within every limit of MLflow."""
    batch: dict[str, list[JsonValue]] = {}
    count = size = 0
    for kind, item, length in items:
        is_full = len(batch.get(kind, ())) == _MOST[kind] or count == _ALL
        if batch and (is_full or size + length > _BYTES):
            yield batch
            batch, count, size = {}, 0, 0
        batch.setdefault(kind, []).append(item)
        count += 1
        size += length
    if batch:
        yield batch


def _texts(kind: str, texts: Mapping[str, str], limit: int) -> Iterator[Item]:
    for key, value in texts.items():
        check_length(f"name of the {kind}", key, key, KEY_LENGTH)
        check_length(kind, key, value, limit)
        yield f"{kind}s", {"key": key, "value": value}, _length(key + value) + _FRAME


def _length(text: str) -> int:
    # Any character but ASCII is at most twelve bytes of JSON.
    return len(text) if text.isascii() else 12 * len(text)


def _points(metrics: Iterable[RunMetric]) -> Iterator[Item]:
    for metric in metrics:
        key = metric.key
        check_length("name of the metric", key, key, KEY_LENGTH)
        point: dict[str, JsonValue] = {
            "key": key,
            "value": float(metric.value),
            "timestamp": metric.at_ms,
            "step": metric.step,
        }
        yield "metrics", point, _length(key) + _FRAME


def _odd_tags(metrics: Iterable[RunMetric]) -> dict[str, str]:
    return {f"{NOT_FINITE}{point.key}": f"{point.value} at step {point.step}" for point in metrics}


def _not_finite(metrics: Iterable[RunMetric]) -> list[RunMetric]:
    try:
        return [metric for metric in metrics if not math.isfinite(metric.value)]
    except (TypeError, ValueError, OverflowError):
        # The error of the first one that is not a number.
        return [metric for metric in metrics if metric_value(metric.key, metric.value) is None]


def _not_finite_error(metric: RunMetric) -> ValidationError:
    expected = 'a finite number; pass non_finite="tag" to keep others as tags'
    message = f"the metric {metric.key!r} is {metric.value} at {metric.step}: expected {expected}"
    return ValidationError(message, field=metric.key, expected=expected)

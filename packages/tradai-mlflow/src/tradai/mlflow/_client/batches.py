"""Metrics, parameters and tags of a run, split into the batches that every server accepts."""

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from tradai.core import JsonValue
from tradai.core.exceptions import ValidationError
from tradai.mlflow._client.access import ServerAccess
from tradai.mlflow._client.entities import RunMetric
from tradai.mlflow._client.limits import KEY_LENGTH, PARAM_LENGTH, TAG_LENGTH, check_length
from tradai.mlflow._client.runs import about_run, epoch_ms

_ENDPOINT: Final = "runs/log-batch"
# The same on every version of MLflow; all kinds together count against `_ALL`.
_MOST: Final = {"metrics": 1_000, "params": 100, "tags": 100}
_ALL: Final = 1_000
_BYTES: Final = 900_000
_FRAME: Final = 80  # bytes of JSON around key and value, and of a metric's numbers


class BatchCalls(ServerAccess):
    """Calls that write what a run measured."""

    def log_batch(
        self,
        run_id: str,
        *,
        metrics: Iterable[RunMetric] = (),
        params: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
        deadline_s: float | None = None,
    ) -> None:
        """Write parameters, tags and points of metrics, in as few requests as MLflow allows.

        Sending the same again changes nothing: points carry their own times. Parameters and tags
        go first. When a later request fails, the earlier ones are written; repeat the call.

        Raises:
            LimitExceededError: A key or a value is longer than the server keeps; nothing is sent.
            ValidationError: A metric is not finite; nothing is sent.
            ParameterConflictError: A parameter has another value already.
            RunNotFoundError: There is no such run.
            MLflowError: The server refused, or gave no usable answer.
        """
        deadline = self._deadline(deadline_s)
        items = [
            *_texts("params", params or {}, PARAM_LENGTH),
            *_texts("tags", tags or {}, TAG_LENGTH),
            *_points(metrics),
        ]
        for batch in split(items):
            self._write(_ENDPOINT, {"run_id": run_id, **batch}, deadline, about_run(run_id))


Item = tuple[str, dict[str, JsonValue], int]


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


def _texts(kind: str, texts: Mapping[str, str], longest: int) -> Iterator[Item]:
    for key, value in texts.items():
        check_length(f"the key of {kind} {key[:40]!r}", key, KEY_LENGTH)
        check_length(f"{kind} {key!r}", value, longest)
        yield kind, {"key": key, "value": value}, len(key) + len(value.encode()) + _FRAME


def _points(metrics: Iterable[RunMetric]) -> Iterator[Item]:
    for metric in metrics:
        if not math.isfinite(metric.value):
            expected = "a finite number; MLflow keeps no other exactly"
            message = f"the metric {metric.key!r} is {metric.value}: expected {expected}"
            raise ValidationError(message, field=metric.key, expected=expected)
        check_length(f"the key of metric {metric.key[:40]!r}", metric.key, KEY_LENGTH)
        point: dict[str, JsonValue] = {
            "key": metric.key,
            "value": metric.value,
            "timestamp": epoch_ms(metric.at),
            "step": metric.step,
        }
        yield "metrics", point, len(metric.key) + _FRAME

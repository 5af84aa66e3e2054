"""The page of verdicts on ECS tasks, from the causes and from the recorded stops of the tests."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tradai.aws import StopCause

SHAPES = (
    Path(__file__).parents[1] / "packages" / "tradai-aws" / "tests" / "ecs" / "stop_shapes.json"
)
LONGEST_TEXT = 160


def ecs_verdicts() -> Iterator[str]:
    """Yield the page."""
    yield "# Verdicts on ECS tasks"
    yield ""
    yield "Generated from `tradai.aws.StopCause` and the recorded stops of the tests by"
    yield "`scripts/reference.py`."
    yield ""
    yield "A stopped task is a success only if AWS says `EssentialContainerExited`, the main"
    yield "container exited with 0, and the run's manifest in the store does not say otherwise. ECS"
    yield "forgets a task about an hour after its stop: then the manifest, which a run writes last,"
    yield "is the only witness. Our own stop is `cancelled`, with the run's exit code. Anything"
    yield "unknown is `failed`."
    yield ""
    yield from _causes()
    yield ""
    yield from _stops()


def _causes() -> Iterator[str]:
    yield "## Causes"
    yield ""
    yield "| cause | the job's reason | again? | advice |"
    yield "|---|---|---|---|"
    for cause in StopCause:
        again = "may well work" if cause.is_transient else "no"
        yield f"| `{cause}` | {cause.sentence} | {again} | {cause.advice} |"


def _stops() -> Iterator[str]:
    yield "## Recorded stops"
    yield ""
    yield "The words are those of AWS, shortened; *known from* names a place that quotes them."
    yield "*Constructed* stops follow a rule of AWS, and no such place was found. None of them was"
    yield "recorded by this project on AWS."
    yield ""
    yield "| stop | code and words of AWS | status | exit code | cause | known from |"
    yield "|---|---|---|---:|---|---|"
    yield from map(_row, json.loads(SHAPES.read_text(encoding="utf-8")))


def _row(shape: dict[str, Any]) -> str:
    task = shape["task"]
    words = f"{task.get('stopCode', '')} {task.get('stoppedReason', task.get('reason', ''))}"
    exit_code = "" if shape["exit_code"] is None else shape["exit_code"]
    cells = (
        shape["name"],
        f"`{_short(words.strip())}`" if words.strip() else "",
        shape["status"],
        str(exit_code),
        f"`{shape['cause']}`",
        shape["source"],
    )
    return f"| {' | '.join(cells)} |"


def _short(text: str) -> str:
    plain = text.replace("`", "'").replace("|", "/")
    return plain if len(plain) <= LONGEST_TEXT else f"{plain[:LONGEST_TEXT]}..."

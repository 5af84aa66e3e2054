"""`tradai-entrypoint runs show`: print the manifest of one run."""

import argparse
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tradai.core import is_uri
from tradai.entrypoint._commands.console import print_json, print_table, print_text
from tradai.entrypoint._history.run_source import RunSource
from tradai.entrypoint._history.summaries import is_killed, newer_schema
from tradai.entrypoint._process.interrupts import Interrupts
from tradai.entrypoint._report.config_rows import flatten
from tradai.entrypoint._report.formatting import time_range_text
from tradai.entrypoint._runs.record import RunManifest
from tradai.entrypoint._store.names import (
    KILLED,
    KILLED_SENTENCE,
    RUNNING,
    SCHEMA_VERSION,
    UNFINISHED_SENTENCE,
)

_RANGE: Final = "timerange"


def execute(args: argparse.Namespace, *, interrupts: Interrupts) -> int:
    """Print the facts of the run, and each configuration value with its source."""
    del interrupts
    manifest, place = RunSource.of(args.runs, args.store, os.environ).manifest(args.run)
    end = _without_end(manifest, place)
    if args.json:
        print_json({**manifest.model_dump(mode="json"), "state": end.get("state", manifest.state)})
        return 0
    facts = manifest.model_dump(
        mode="json", exclude={"config", "provenance", "run_parameters"}, exclude_none=True
    )
    facts |= end
    rows = [(name, _text(value)) for name, value in facts.items() if _is_fact(value)]
    print_table(("fact", "value"), rows)
    print_text("")
    settings = flatten({**manifest.config, "run": manifest.run_parameters}, manifest.provenance)
    print_table(
        ("configuration", "value", "comes from"),
        sorted((row.name, row.value, row.source) for row in settings),
    )
    if manifest.schema_version > SCHEMA_VERSION:
        print_text(f"note: {newer_schema(manifest.schema_version)}")
    print_text(f"folder: {place}")
    return 0


def _without_end(manifest: RunManifest, place: str) -> dict[str, str]:
    """Return what the list of runs says of the end of a run that has none; of others nothing."""
    if manifest.state != RUNNING:
        return {}
    if is_uri(place):
        return {"verdict": UNFINISHED_SENTENCE}
    return {"state": KILLED, "verdict": KILLED_SENTENCE} if is_killed(Path(place)) else {}


def _is_fact(value: object) -> bool:
    """Tell whether `value` says anything: an exit code of 0 does, an empty list does not."""
    return bool(value) or type(value) is int


def _text(value: object) -> str:
    if isinstance(value, list):
        return "\n".join(map(_line, value))
    return "\n".join(_lines(value)) if isinstance(value, dict) else str(value)


def _lines(facts: dict[str, object]) -> Iterator[str]:
    """Yield a line per fact; those of a fact that has facts of its own are indented below it."""
    for name, value in facts.items():
        if value is None or value in ({}, []):
            continue
        if isinstance(value, dict):
            inner = list(_lines(value))
        elif isinstance(value, list) and any(isinstance(each, dict) for each in value):
            inner = [_line(each) for each in value]
        else:
            text = _line(value)
            yield f"{name}: {time_range_text(text) if name == _RANGE else text}"
            continue
        yield f"{name}:"
        yield from (f"  {line}" for line in inner)


def _line(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_line(inner)}" for name, inner in value.items())
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)

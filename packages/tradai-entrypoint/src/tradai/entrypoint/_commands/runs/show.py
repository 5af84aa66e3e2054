"""`tradai-entrypoint runs show`: print the manifest of one run."""

import argparse
import os

from tradai.entrypoint._commands.console import print_json, print_table, print_text
from tradai.entrypoint._process.interrupts import Interrupts
from tradai.entrypoint._process.runs_folder import runs_folder
from tradai.entrypoint._report.config_rows import flatten
from tradai.entrypoint._runs.history import find_run
from tradai.entrypoint._runs.record import RunManifest


def execute(args: argparse.Namespace, *, interrupts: Interrupts) -> int:
    """Print the facts of the run, and each configuration value with its source."""
    del interrupts
    folder = find_run(runs_folder(args.runs, os.environ), args.run)
    manifest = RunManifest.read(folder)
    if args.json:
        print_json(manifest.model_dump(mode="json"))
        return 0
    facts = manifest.model_dump(
        mode="json", exclude={"config", "provenance", "run_parameters"}, exclude_none=True
    )
    rows = [(name, _text(value)) for name, value in facts.items() if _is_fact(value)]
    print_table(("fact", "value"), rows)
    print_text("")
    settings = flatten({**manifest.config, "run": manifest.run_parameters}, manifest.provenance)
    print_table(
        ("configuration", "value", "comes from"),
        sorted((row.name, row.value, row.source) for row in settings),
    )
    print_text(f"folder: {folder}")
    return 0


def _is_fact(value: object) -> bool:
    """Tell whether `value` says anything: an exit code of 0 does, an empty list does not."""
    return bool(value) or type(value) is int


def _text(value: object) -> str:
    if isinstance(value, dict):
        return "\n".join(f"{key}: {inner}" for key, inner in value.items())
    if isinstance(value, list):
        return "\n".join(str(inner) for inner in value)
    return str(value)

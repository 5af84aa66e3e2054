"""`tradai-entrypoint runs`: list the runs, show one, compare two."""

import argparse
import json
import os
import sys
from pathlib import Path

from tradai.entrypoint._commands.console import print_table
from tradai.entrypoint._process.interrupts import Interrupts
from tradai.entrypoint._process.settings import default_run_folder
from tradai.entrypoint._runs.history import differences, find_run, list_runs
from tradai.entrypoint._runs.record import RunManifest

__all__ = ["execute"]


def execute(args: argparse.Namespace, *, interrupts: Interrupts) -> int:
    """Do what the verb says."""
    del interrupts
    root = Path(args.runs or default_run_folder(os.environ))
    verbs = {"list": _list, "show": _show, "diff": _diff}
    return verbs[args.verb](root, args)


def _list(root: Path, args: argparse.Namespace) -> int:
    runs = list_runs(root)
    if args.json:
        _print_json([one.model_dump(mode="json") for one in runs])
        return 0
    if not runs:
        print(f"no runs in {root} yet: start one with `tradai-entrypoint run`")
        return 0
    print_table(("run", "mode", "exit", "config", "verdict"), [_row(one) for one in runs])
    return 0


def _row(one: RunManifest) -> tuple[str, ...]:
    exit_code = "-" if one.exit_code is None else str(one.exit_code)
    mode = one.mode.value if one.mode else "-"
    verdict = one.verdict or f"{one.state}, or its supervisor died"
    return one.run_id, mode, exit_code, one.config_id or "-", verdict


def _show(root: Path, args: argparse.Namespace) -> int:
    folder = find_run(root, args.run)
    manifest = RunManifest.read(folder)
    if args.json:
        _print_json(manifest.model_dump(mode="json"))
        return 0
    facts = manifest.model_dump(mode="json", exclude={"config", "provenance"}, exclude_none=True)
    print_table(
        ("fact", "value"), [(name, _shown(value)) for name, value in facts.items() if value]
    )
    leaves = ((leaf, origin) for leaf, origin in sorted(manifest.provenance.items()))
    print_table(("configuration", "comes from"), list(leaves))
    print(f"folder: {folder}")
    return 0


def _diff(root: Path, args: argparse.Namespace) -> int:
    one = RunManifest.read(find_run(root, args.run))
    other = RunManifest.read(find_run(root, args.other))
    rows = list(differences(one, other))
    if args.json:
        _print_json([{"name": name, "run": left, "other": right} for name, left, right in rows])
    elif rows:
        print_table(("what", one.run_id, other.run_id), rows)
    else:
        print("no difference but ids and times")
    return 0


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return "\n".join(f"{key}: {inner}" for key, inner in value.items())
    if isinstance(value, list):
        return "\n".join(str(inner) for inner in value)
    return str(value)


def _print_json(value: object) -> None:
    sys.stdout.write(json.dumps(value, indent=2) + "\n")

"""Words that complete an argument: ids and names from folders of this machine, keys from a list.

Nothing here needs pydantic, whose import takes longer than all the rest, or reaches a server.
"""

import argparse
import os
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from tradai.entrypoint._process.runs_folder import runs_folder
from tradai.entrypoint._store.names import LATEST, MANIFEST_NAME
from tradai.entrypoint._sweep.figures import FIGURES

_JOBS: Final = ".tradai/jobs"
_RUNNER: Final = "local:"
_SESSIONS: Final = "TRADAI_LIVE_SESSIONS"
_PARAMS: Final = "_params"
# A key of YAML at the beginning of a line.
_KEY: Final = re.compile(r"(?P<depth> *)(?P<key>[A-Za-z_]\w*):")


def run_ids(args: argparse.Namespace, prefix: str) -> Iterator[str]:
    """Yield the ids of runs on this machine, ``latest``, and paths for a prefix with a slash.

    Runs that a sweep, a comparison or an analysis made are left out, unless all are. The commands
    about epochs get the ids of hyperopts.
    """
    if "/" in prefix:
        yield from paths(args, prefix)
        return
    needed = b'"mode": "hyperopt"' if args.module.startswith("hyperopt.") else b""
    folders = [
        folder
        for folder in _run_folders(args)
        if folder.name.startswith(prefix) and needed in _manifest(folder)
    ]
    own = [folder for folder in folders if b'"part_of": "' not in _manifest(folder)]
    yield from (folder.name for folder in own or folders)
    yield LATEST


def dry_run_ids(args: argparse.Namespace, prefix: str) -> Iterator[str]:
    """Yield the ids of dry-runs on this machine."""
    del prefix
    for folder in _run_folders(args):
        if b'"mode": "dry-run"' in _manifest(folder):
            yield folder.name


def session_names(args: argparse.Namespace, prefix: str) -> Iterator[str]:
    """Yield the names of live sessions in a store on this machine, and the ids of dry-runs."""
    uri = os.environ.get(_SESSIONS, "")
    if uri.startswith("file:"):
        yield from (path.stem for path in _children(Path(_path_of(uri))) if path.suffix == ".json")
    yield from dry_run_ids(args, prefix)


def job_ids(args: argparse.Namespace, prefix: str) -> Iterator[str]:
    """Yield the ids of jobs of the local runner."""
    del prefix
    runner = getattr(args, "on", None) or _RUNNER
    if runner.startswith(_RUNNER):
        folder = unquote(runner.removeprefix(_RUNNER)) or _JOBS
        yield from (path.name for path in _children(Path(folder)) if path.is_dir())


def config_keys(args: argparse.Namespace, prefix: str) -> Iterator[str]:
    """Yield the keys of a strategy configuration and of run parameters, as overrides.

    Hyper-parameters of a named configuration stand for their table. Of the engine's own settings,
    whose blocks have more, it has those that every run takes.
    """
    del prefix
    named = dict.fromkeys(_parameters(_config_of(args)))
    tables = {key.partition(".")[0] for key in named}
    keys = files(__package__).joinpath("config_keys.txt").read_text(encoding="ascii")
    yield from (f"{key}=" for key in (*keys.split(), *named) if key not in tables)


def figures(args: argparse.Namespace, prefix: str) -> Iterator[str]:
    """Yield the figures by which a sweep compares its variants."""
    del args, prefix
    yield from FIGURES


def paths(args: argparse.Namespace, prefix: str) -> Iterator[str]:
    """Yield the files and folders whose path begins with `prefix`; hidden ones need their dot."""
    del args
    name = prefix.rpartition("/")[2]
    start = prefix.removesuffix(name)
    for path in _children(Path(start or ".").expanduser()):
        if path.name.startswith(name) and path.name.startswith(".") <= name.startswith("."):
            yield f"{start}{path.name}{'/' if path.is_dir() else ''}"


def _config_of(args: argparse.Namespace) -> str:
    """Return the (first) configuration of the line; empty without one."""
    named = getattr(args, "config", None) or getattr(args, "configs", None) or ""
    return named if isinstance(named, str) else str(named[0])


def _parameters(config: str) -> Iterator[str]:
    """Yield the hyper-parameters of a YAML file that has them in block style, as dotted keys.

    A parser of YAML would take longer than all the rest.
    """
    table = depth = ""
    for line in _text_of(Path(config)).splitlines():
        found = _KEY.match(line)
        if found and not found["depth"]:
            table, depth = found["key"] if found["key"].endswith(_PARAMS) else "", ""
        elif found and table:
            depth = depth or found["depth"]
            if found["depth"] == depth:
                yield f"{table}.{found['key']}"


def _text_of(path: Path) -> str:
    """Return the text of the file `path`; nothing where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""


def _run_folders(args: argparse.Namespace) -> Iterator[Path]:
    root = runs_folder(getattr(args, "runs", None), os.environ)
    return (folder for folder in _children(root) if (folder / MANIFEST_NAME).is_file())


def _manifest(folder: Path) -> bytes:
    """Return the text of a run's manifest, which takes longer to read as JSON than all the rest."""
    try:
        return (folder / MANIFEST_NAME).read_bytes()
    except OSError:
        return b""


def _children(folder: Path) -> list[Path]:
    """Return the entries of `folder`; none where it cannot be read, as a completer says nothing."""
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _path_of(uri: str) -> str:
    return unquote(uri.removeprefix("file:").removeprefix("//"))

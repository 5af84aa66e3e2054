"""Recorded runs of a folder: list them, find one, compare two."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from tradai.core import JsonValue
from tradai.core.exceptions import NotFoundError, ValidationError
from tradai.entrypoint._history.run_listing import RunSummary
from tradai.entrypoint._history.summaries import list_runs
from tradai.entrypoint._process.exit_codes import ExitCode
from tradai.entrypoint._runs.record import RunManifest
from tradai.entrypoint._store.names import ENDED, LATEST, MANIFEST_NAME

_SHOWN: Final = 5


def find_run(root: Path, name: str) -> Path:
    """Return the folder of the run `name`: a path, an id, a unique prefix of one, or ``latest``.

    A folder of that name goes before ids that begin with it.

    The latest run is the last one that has finished. One that a sweep or another command made
    among others is it only where all are such. Of a run that was refused, or ended without a
    result, there is nothing to repeat. A copy of a run, in a folder of another name, is found by
    its path alone as long as the run itself is there.

    Raises:
        NotFoundError: The run does not exist, or none has finished.
        ValidationError: Several ids begin with `name`, or several folders are copies of one run.
    """
    if (Path(name) / MANIFEST_NAME).is_file():
        return Path(name)
    runs = _without_copies(list_runs(root))
    if name == LATEST:
        finished = [run for run in runs if _has_finished(run)]
        matches = ([run for run in finished if run.part_of is None] or finished)[:1]
    else:
        matches = [run for run in runs if run.run_id == name]
        if not matches and (folder := _named_folder(root, name)) is not None:
            return folder
        matches = matches or [run for run in runs if run.run_id.startswith(name)]
    matches = list({run.folder.resolve(): run for run in matches}.values())
    if not matches:
        what = "finished run" if name == LATEST else f"run {name!r}"
        raise NotFoundError(
            f"no {what} in {root}: `tradai-entrypoint runs list` lists the runs",
            kind="run",
            key=name,
        )
    if len(matches) > 1:
        raise _several_error(name, matches)
    return matches[0].folder


def _without_copies(runs: Sequence[RunSummary]) -> list[RunSummary]:
    """Return `runs` without the copies of those whose folder has the name of the run."""
    originals = {run.run_id for run in runs if run.is_in_own_folder}
    return [run for run in runs if run.is_in_own_folder or run.run_id not in originals]


def _several_error(name: str, matches: Sequence[RunSummary]) -> ValidationError:
    run_ids = [run.run_id for run in matches]
    if len(set(run_ids)) == len(run_ids):
        return ambiguous_error(name, run_ids)
    folders = ", ".join(str(run.folder) for run in matches[:_SHOWN])
    message = f"several folders have runs for {name!r} ({folders}): give the path of one"
    return ValidationError(message, field="run", expected="one run")


def _named_folder(root: Path, name: str) -> Path | None:
    """Return the folder `name` of `root`: a copy of a run, or a run that no list could read.

    Raises:
        NotFoundError: It has no manifest.
    """
    folder = root / name
    if folder.parent != root or not folder.is_dir():
        return None
    if not (folder / MANIFEST_NAME).is_file():
        message = f"{folder} is no run, as it has no {MANIFEST_NAME}"
        raise NotFoundError(message, kind="run", key=name)
    return folder


def ambiguous_error(name: str, run_ids: Sequence[str]) -> ValidationError:
    """Return the error that `name` is the beginning of several run ids."""
    listed = ", ".join(run_ids[:_SHOWN])
    message = f"several run ids begin with {name!r} ({listed}): give more of the id"
    return ValidationError(message, field="run", expected="one run")


def differences(left: RunManifest, right: RunManifest) -> Iterator[tuple[str, str, str]]:
    """Yield the name and both values of each fact that differs; ids and times are left out.

    A notice of one run alone has a row of its own.
    """
    before, after = _flatten(_comparable(left)), _flatten(_comparable(right))
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            yield name, _text(before.get(name)), _text(after.get(name))
    yield from (("notice", each, "-") for each in left.notices if each not in right.notices)
    yield from (("notice", "-", each) for each in right.notices if each not in left.notices)


def _has_finished(run: RunSummary) -> bool:
    return run.state == ENDED and (run.exit_code == ExitCode.DONE or run.has_result)


def _comparable(manifest: RunManifest) -> dict[str, JsonValue]:
    compared = {
        "mode",
        "exit_code",
        "config",
        "run_parameters",
        "data",
        "digests",
        "versions",
        "results",
        "is_fallback",
    }
    dumped: dict[str, JsonValue] = manifest.model_dump(mode="json", include=compared)
    return dumped


def _flatten(node: JsonValue, prefix: str = "") -> dict[str, JsonValue]:
    if not isinstance(node, Mapping):
        return {prefix: node}
    flat: dict[str, JsonValue] = {}
    for key, child in node.items():
        flat |= _flatten(child, f"{prefix}.{key}" if prefix else str(key))
    return flat


def _text(value: JsonValue) -> str:
    return "-" if value is None else str(value)

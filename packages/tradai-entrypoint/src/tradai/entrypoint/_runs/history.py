"""The runs below a folder: find one, list them, compare two."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from tradai.core import JsonValue
from tradai.core.exceptions import NotFoundError, StorageError, ValidationError
from tradai.entrypoint._runs.record import MANIFEST_NAME, RunManifest

__all__ = ["differences", "find_run", "list_runs"]


def list_runs(root: Path) -> list[RunManifest]:
    """Return the manifests below `root`, newest first; what cannot be read is left out."""
    found = []
    for path in root.glob(f"*/{MANIFEST_NAME}"):
        try:
            found.append(RunManifest.read(path.parent))
        except (NotFoundError, StorageError):
            continue
    return sorted(found, key=lambda one: one.started_at, reverse=True)


def find_run(root: Path, name: str) -> Path:
    """Return the folder of the run `name`: a path, an id, its unique beginning, or ``latest``.

    Raises:
        NotFoundError: There is no such run.
        ValidationError: Several runs begin so.
    """
    if (Path(name) / MANIFEST_NAME).is_file():
        return Path(name)
    runs = list_runs(root)
    if name == "latest":
        matches = runs[:1]
    else:
        matches = [one for one in runs if one.run_id == name] or [
            one for one in runs if one.run_id.startswith(name)
        ]
    if not matches:
        raise NotFoundError(
            f"no run {name!r} in {root}: `tradai-entrypoint runs list` shows the runs there are",
            kind="run",
            key=name,
        )
    if len(matches) > 1:
        listed = ", ".join(one.run_id for one in matches[:5])
        raise ValidationError(
            f"{name!r} begins several runs ({listed}): give more of the id",
            field="run",
            expected="one run",
        )
    return root / matches[0].run_id


def differences(one: RunManifest, other: RunManifest) -> Iterator[tuple[str, str, str]]:
    """Yield (name, value in `one`, value in `other`) of what differs, ids and times left out."""
    left, right = _flat(_comparable(one)), _flat(_comparable(other))
    for name in sorted(left.keys() | right.keys()):
        if left.get(name) != right.get(name):
            yield name, _text(left.get(name)), _text(right.get(name))


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
        "notices",
    }
    dumped: dict[str, JsonValue] = manifest.model_dump(mode="json", include=compared)
    return dumped


def _flat(node: JsonValue, prefix: str = "") -> dict[str, JsonValue]:
    if not isinstance(node, Mapping):
        return {prefix: node}
    flat: dict[str, JsonValue] = {}
    for key, child in node.items():
        flat |= _flat(child, f"{prefix}.{key}" if prefix else str(key))
    return flat


def _text(value: JsonValue) -> str:
    return "-" if value is None else str(value)

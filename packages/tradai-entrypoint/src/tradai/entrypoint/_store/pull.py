"""Bring a run from a store into the folder of runs, where it is as if it had been made there."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from secrets import token_hex

from tradai.core import file_errors
from tradai.core.exceptions import NotFoundError, StorageError
from tradai.entrypoint._process.relative_paths import is_relative_path
from tradai.entrypoint._store.deadline import SERVICE, call_within, transfer_s
from tradai.entrypoint._store.names import MANIFEST_NAME, segment_of
from tradai.entrypoint._store.run_store import RunStore


def pull_run(store: RunStore, run_id: str, root: Path, *, timeout_s: float) -> Path:
    """Copy a run that has ended into the folder `root`, whole or not at all; return its folder.

    Raises:
        NotFoundError: The store has no such run, or it did not end.
        StorageError: A name in the store leads out of the folder, a run of that id is in `root`,
            or the disk refused.
        ExternalServiceError: The store refused.
    """
    sizes = call_within(timeout_s, lambda: store.sizes(run_id))
    _check_ended(store, run_id, sizes)
    target, partial = root / run_id, root / f".pull-{token_hex(8)}"
    try:
        copy_files(store, run_id, sizes, partial, timeout_s=timeout_s)
        with file_errors("write", target):
            partial.rename(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return target


def copy_files(
    store: RunStore, run_id: str, sizes: Mapping[str, int], folder: Path, *, timeout_s: float
) -> None:
    """Copy files of a run, given with their number of bytes, into `folder`.

    Raises:
        StorageError: A name leads out of the folder, or the disk refused.
        ExternalServiceError: The store refused.
    """
    for name in sizes:
        _check_name(store, run_id, name)
    with file_errors("write", folder):
        for name in _in_order(sizes):
            data = _read(store, run_id, name, transfer_s(timeout_s, sizes[name]))
            _add(folder, name, data)


def _check_ended(store: RunStore, run_id: str, sizes: dict[str, int]) -> None:
    if MANIFEST_NAME not in sizes:
        problem = "did not end, or has not been sent whole" if sizes else "is not there"
        raise NotFoundError(
            f"run {run_id!r} cannot be read from {store.uri_of(run_id)}: it {problem}",
            kind="run",
            key=run_id,
        )


def _check_name(store: RunStore, run_id: str, name: str) -> None:
    if not is_relative_path(name):
        raise StorageError(
            f"run {run_id!r} cannot be read from {store.uri}: its file {name!r} would lie "
            "outside of its folder; delete that object",
            operation="read",
            service=SERVICE,
        )


def _in_order(sizes: Mapping[str, int]) -> list[str]:
    return sorted(sizes, key=lambda name: (segment_of(name) or ("", 0), name))


def _read(store: RunStore, run_id: str, name: str, seconds: float) -> bytes:
    return call_within(seconds, lambda: store.read(run_id, name))


def _add(folder: Path, name: str, data: bytes) -> None:
    """Write a file below `folder`; the segments of a file become one file."""
    segment = segment_of(name)
    path = folder / (segment[0] if segment else name)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab" if segment else "xb") as file:
        file.write(data)

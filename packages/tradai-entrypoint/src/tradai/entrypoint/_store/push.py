"""Send a run that has ended, or the rest of it, to a store."""

import json
import os
from pathlib import Path

from tradai.core import FileKind, FileStore, JsonValue, file_errors, read_regular_file
from tradai.core.exceptions import NotFoundError, StorageError, ValidationError
from tradai.entrypoint._store.claim import started_facts, started_text
from tradai.entrypoint._store.names import MANIFEST_NAME, STARTED_NAME
from tradai.entrypoint._store.owner import process_facts
from tradai.entrypoint._store.run_store import RunStore
from tradai.entrypoint._store.upload import RunUpload


def upload_of(store: RunStore, folder: Path, *, timeout_s: float) -> RunUpload:
    """Return the upload of the run in `folder`, which has ended.

    Raises:
        ValidationError: It has not ended.
        StorageError: Its manifest cannot be read.
    """
    manifest = _object(folder / MANIFEST_NAME)
    if manifest.get("state") != "ended":
        raise ValidationError(
            f"run {folder.name!r} has not ended, or its process was killed: only a run that has "
            "ended can be sent",
            field="run",
            expected="a run that has ended",
        )
    return RunUpload(store, folder, _started(folder, manifest), timeout_s=timeout_s)


def push(upload: RunUpload, folder: Path) -> None:
    """Send what the store lacks of the run in `folder`.

    Raises:
        ConflictError: The store has another run of that id.
        ExternalServiceError: The store refused; a later call sends the rest.
    """
    upload.resume()
    with file_errors("read", folder / MANIFEST_NAME):
        manifest = read_regular_file(folder / MANIFEST_NAME, FileKind.MANIFEST)
    upload.send_rest(manifest)


def _started(folder: Path, manifest: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """Return the claim of the run; a run that was made without a store gets one."""
    path = folder / STARTED_NAME
    try:
        return _object(path)
    except NotFoundError:
        started = started_facts(manifest) | process_facts(os.environ)
        FileStore().write(path.resolve().as_uri(), started_text(started))
        return started


def _object(path: Path) -> dict[str, JsonValue]:
    with file_errors("read", path):
        data = read_regular_file(path, FileKind.MANIFEST)
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict) or "run_id" not in value:
        raise StorageError(f"{path} is not usable: it is damaged", operation="read")
    return value

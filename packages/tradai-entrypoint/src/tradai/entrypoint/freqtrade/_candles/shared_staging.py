"""Candles that are staged once for several runs, which link to them."""

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
import weakref
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, final

from tradai.core import FileKind, file_errors, is_uri, read_regular_file
from tradai.entrypoint._process.interrupts import Interrupts
from tradai.entrypoint._process.locked_folder import open_locked
from tradai.entrypoint.freqtrade._candles.staged_data import StagedData, StagingRequest
from tradai.entrypoint.freqtrade._candles.staging import stage_data

_CANDLES: Final = "candles"
_ANSWER: Final = "staged.json"


@final
class SharedStaging:
    """Candles of several runs, each distinct request of them staged once.

    The folder of a request is named by the request and by the values of its candles, so that a
    later sweep of the same candles finds it, and one of changed candles does not. Sweeps at the
    same time may have one root: the last of them that asks for it removes it.

    Attributes:
        root: Folder that receives one folder for each request.
    """

    def __init__(self, root: Path) -> None:
        """Use the folder `root`, which need not exist."""
        self.root = root
        self._known: dict[str, Path] = {}
        self._release: Callable[[], object] | None = None

    def stage(self, request: StagingRequest, *, interrupts: Interrupts) -> tuple[StagedData, Path]:
        """Return the staged candles of `request` and their folder; see `stage_data`.

        The folder of the request itself is not used.
        """
        key = _key(request)
        if self._release is None:
            with file_errors("make", self.root):
                descriptor, _ = open_locked(self.root, fcntl.LOCK_SH)
            self._release = weakref.finalize(self, os.close, descriptor)
        if key not in self._known:
            self._known[key] = self._stage(request, key, interrupts)
        folder = self._known[key]
        return _answer(folder), folder

    def remove(self) -> None:
        """Remove all candles that were staged, unless another process uses them."""
        if self._release is not None:
            self._release()
            self._release = None
        if not self.root.exists():
            return
        with suppress(OSError):
            descriptor, _ = open_locked(self.root, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(self.root, ignore_errors=True)
            os.close(descriptor)

    def _stage(self, request: StagingRequest, key: str, interrupts: Interrupts) -> Path:
        with file_errors("make", self.root):
            scratch = Path(tempfile.mkdtemp(dir=self.root))
        try:
            staged = stage_data(replace(request, folder=scratch / _CANDLES), interrupts=interrupts)
            folder = self.root / f"{key[:16]}-{staged.digest[:16]}"
            with file_errors("write", folder):
                answer = {"request": key, "staged": json.loads(staged.to_json())}
                (scratch / _ANSWER).write_text(json.dumps(answer))
                # The folder of an earlier sweep has the same candles.
                with suppress(OSError):
                    scratch.rename(folder)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        return folder


def use_staged(folder: Path, request: StagingRequest) -> StagedData | None:
    """Link the folder of `request` to candles that `SharedStaging` staged in `folder`.

    Returns:
        The candles; None when `folder` does not have those of this request.
    """
    path = folder / _ANSWER
    if not path.is_file() or _read(path)["request"] != _key(request):
        return None
    with file_errors("link", request.folder):
        request.folder.symlink_to((folder / _CANDLES).absolute())
    return _answer(folder)


def write_once(path: Path, write: Callable[[Path], None], candles: Path) -> bool:
    """Write what is made of the staged `candles`; once for all runs that share them, as a link.

    Args:
        path: Where the run keeps it.
        write: Writes it to a path, whole or not at all, and the same for each of those runs.
        candles: Folder of the candles of the run.

    Returns:
        Whether it is there; False where the shared candles are on another file system, or on one
        that has no links.

    Raises:
        StorageError: The disk refused.
    """
    if not candles.is_symlink():
        write(path)
        return True
    shared = candles.resolve().with_name(path.name)
    if not shared.exists():
        write(shared)
    with suppress(OSError):
        path.hardlink_to(shared)
    return path.exists()


def _answer(folder: Path) -> StagedData:
    return StagedData.from_values(_read(folder / _ANSWER)["staged"])


def _read(path: Path) -> dict[str, Any]:
    with file_errors("read", path):
        values: dict[str, Any] = json.loads(read_regular_file(path, FileKind.MANIFEST))
    return values


def _key(request: StagingRequest) -> str:
    """Return a digest of what is asked for, wherever it is fetched and staged."""
    data = request.shown or request.data
    place = data if is_uri(data) else str(Path(data).resolve())
    same = replace(request, data=place, shown="", folder=Path(_CANDLES))
    return hashlib.sha256(same.to_json()).hexdigest()

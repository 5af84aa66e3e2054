"""The folder of one run: made once, never shared, with room kept for the last words."""

import os
import re
import secrets
import shutil
from datetime import datetime
from pathlib import Path
from typing import Final, final

from tradai.core import FileStore, TradingMode
from tradai.core.exceptions import ConfigurationError, StorageError, ValidationError
from tradai.entrypoint._runs.record import MANIFEST_NAME, RunManifest

__all__ = ["RunFolder", "new_run_id"]

_RUN_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)
# A manifest is a few KiB; this much is set aside at the start, so that a disk that fills up
# during the run still takes the last manifest.
_RESERVE_BYTES: Final = 256 * 1024


def new_run_id(mode: TradingMode | None, *, now: datetime) -> str:
    """Return an id that sorts by time: ``20260131T235959Z-backtest-1a2b3c4d``."""
    what = mode.value if mode else "run"
    return f"{now:%Y%m%dT%H%M%SZ}-{what}-{secrets.token_hex(4)}"


@final
class RunFolder:
    """One run's folder and the names of what is in it."""

    def __init__(self, path: Path) -> None:
        """Take `path` as it is; use `create` to make a new one."""
        self.path = path
        self.scratch = path / "scratch"
        self.journal = path / "journal.jsonl"
        self._reserve = path / ".reserve"

    @classmethod
    def create(cls, root: Path, run_id: str) -> "RunFolder":
        """Make the folder of a new run.

        Raises:
            ValidationError: `run_id` cannot name a folder.
            ConfigurationError: A run of that id exists already.
            StorageError: The disk refused; nothing is left behind.
        """
        if not _RUN_ID.fullmatch(run_id):
            raise ValidationError(
                f"run id {run_id!r} is not usable: up to 100 letters, digits, dots, dashes and "
                "underscores, starting with a letter or digit",
                field="run id",
                expected=_RUN_ID.pattern,
            )
        folder = cls(root / run_id)
        try:
            root.mkdir(parents=True, exist_ok=True)
            folder.path.mkdir()
        except FileExistsError as exc:
            if not root.is_dir():
                raise _refused(root, exc) from exc
            raise ConfigurationError(
                f"there is a run {run_id!r} in {root} already: leave the run id unset, or choose "
                "another",
                key="TRADAI_RUN_ID",
            ) from exc
        except OSError as exc:
            raise _refused(root, exc) from exc
        folder._prepare_scratch()
        return folder

    def write_manifest(self, manifest: RunManifest) -> None:
        """Write the manifest, whole or not at all.

        Raises:
            StorageError: The disk refused; the manifest before stays as it was.
        """
        text = manifest.model_dump_json(indent=2) + "\n"
        FileStore().write((self.path / MANIFEST_NAME).resolve().as_uri(), text.encode())

    def release_reserve(self) -> None:
        """Give back the room kept for the last manifest and journal line."""
        self._reserve.unlink(missing_ok=True)

    def drop_scratch(self) -> None:
        """Remove what only the engine needed."""
        shutil.rmtree(self.scratch, ignore_errors=True)

    def _prepare_scratch(self) -> None:
        try:
            self.scratch.mkdir()
            self._reserve.write_bytes(os.urandom(_RESERVE_BYTES))
        except OSError as exc:
            shutil.rmtree(self.path, ignore_errors=True)
            raise _refused(self.path, exc) from exc


def _refused(path: Path, exc: OSError) -> StorageError:
    return StorageError(
        f"the run folder {path} cannot be made: {exc.strerror}; free space, or point "
        "TRADAI_RUN_FOLDER (--runs) at a folder that can be written",
        operation="mkdir",
    )

"""Folder of one run: created once, never shared, with disk space reserved for its end."""

import os
import re
import secrets
import shutil
from contextlib import suppress
from datetime import datetime
from errno import EACCES, EDQUOT, EFBIG, ENOSPC, ENOTDIR
from pathlib import Path
from typing import Final, final

from tradai.core import FileJournal, FileStore, TradingMode
from tradai.core.exceptions import (
    ConfigurationError,
    NotFoundError,
    StorageError,
    ValidationError,
)
from tradai.entrypoint._process.exit_codes import ExitCode
from tradai.entrypoint._runs.record import RunManifest
from tradai.entrypoint._store.claim import RunOwnedError
from tradai.entrypoint._store.names import (
    JOURNAL_NAME,
    LATEST,
    MANIFEST_NAME,
    RESERVE_NAME,
    SCRATCH_NAME,
)

_RUN_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)
# Reserved at the start, so that a run whose disk fills up can be recorded: a half for its results
# and journal, and a half for the last manifest, which is a few KiB.
_RESERVE_BYTES: Final = 256 * 1024


def new_run_id(mode: TradingMode | None, *, now: datetime) -> str:
    """Return an id that sorts by time: ``20260131T235959Z-backtest-1a2b3c4d``."""
    name = mode.value if mode else "run"
    return f"{now:%Y%m%dT%H%M%SZ}-{name}-{secrets.token_hex(4)}"


@final
class RunFolder:
    """Folder of one run, and the paths in it.

    Attributes:
        needs_scratch: Whether the scratch folder holds what is nowhere else; it is not removed
            then.
    """

    def __init__(self, path: Path) -> None:
        """Use the existing folder `path`; `create` makes a new one."""
        self.path = path
        self.scratch = path / SCRATCH_NAME
        self.journal = path / JOURNAL_NAME
        self.needs_scratch = False
        self._reserve = path / RESERVE_NAME

    @classmethod
    def create(cls, root: Path, run_id: str, *, replaces_refusal: bool = False) -> "RunFolder":
        """Create the folder of a new run.

        Args:
            root: Folder of the runs.
            run_id: Name of the new one.
            replaces_refusal: Whether a run of that id that was refused before its work began is
                removed, so that the same command can be repeated.

        Raises:
            ValidationError: `run_id` cannot name a folder.
            ConfigurationError: A run of that id exists already.
            RunOwnedError: It goes on: another process has it.
            StorageError: The folder cannot be created; nothing is left behind.
        """
        _check_run_id(run_id)
        folder = cls(root / run_id)
        if replaces_refusal:
            _remove_refusal(folder.path)
        try:
            root.mkdir(parents=True, exist_ok=True)
            folder.path.mkdir()
        except FileExistsError as exc:
            if not root.is_dir():
                raise _creation_error(root, _reason(root)) from exc
            _refuse_owned(folder.path)
            raise _taken_error(root, run_id) from exc
        except OSError as exc:
            raise _creation_error(root, exc) from exc
        folder._prepare_scratch()
        return folder

    def write_manifest(self, manifest: RunManifest) -> None:
        """Write the manifest, as `write` does.

        Raises:
            TypeError: A fact is not JSON.
        """
        self.write(MANIFEST_NAME, manifest.as_json())

    def write(self, name: str, text: str) -> None:
        """Write `text` to the file `name`, whole or not at all.

        Raises:
            StorageError: The file cannot be written; what was there stays as it was.
        """
        FileStore().write((self.path / name).resolve().as_uri(), text.encode())

    def release_half_of_reserve(self) -> None:
        """Free the disk space reserved for results."""
        with suppress(OSError):
            os.truncate(self._reserve, _RESERVE_BYTES // 2)

    def release_reserve(self) -> None:
        """Free the disk space reserved for the last manifest and journal line."""
        self._reserve.unlink(missing_ok=True)

    def remove(self) -> None:
        """Remove the folder of a run that does not begin."""
        shutil.rmtree(self.path, ignore_errors=True)

    def drop_scratch(self) -> None:
        """Remove the files that only the engine needed, unless they hold a result."""
        if not self.needs_scratch:
            shutil.rmtree(self.scratch, ignore_errors=True)

    def _prepare_scratch(self) -> None:
        try:
            self.scratch.mkdir()
            self._reserve.write_bytes(os.urandom(_RESERVE_BYTES))
        except OSError as exc:
            self.remove()
            raise _creation_error(self.path, exc) from exc


def check_run_folder(root: Path, run_id: str | None, store: str | None = None) -> None:
    """Check that `RunFolder.create` can create the folder of a run; nothing is created.

    Args:
        root: Folder of the runs; it need not exist.
        run_id: Id of the run; None is a new one.
        store: Store of the run; a refused run that it may have keeps its id.

    Raises:
        ValidationError, ConfigurationError, RunOwnedError, StorageError: As `RunFolder.create`.
    """
    if run_id is not None:
        _check_run_id(run_id)
        if (root / run_id).exists() and (store or not _is_refusal(root / run_id)):
            _refuse_owned(root / run_id)
            raise _taken_error(root, run_id)
    nearest = next(path for path in (root, *root.absolute().parents) if os.path.lexists(path))
    if not nearest.is_dir():
        raise _creation_error(root, _reason(nearest))
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise _creation_error(root, PermissionError(EACCES, os.strerror(EACCES)))


def _remove_refusal(path: Path) -> None:
    """Remove the run in `path` if it was refused before its work began."""
    if not _is_refusal(path):
        return
    with (
        suppress(NotFoundError, StorageError, OSError),
        FileJournal(path / JOURNAL_NAME).without_writers() as is_alone,
    ):
        # Read again: another process that repeats the command may have begun its run meanwhile.
        if is_alone and _is_refusal(path):
            aside = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
            path.rename(aside)
            shutil.rmtree(aside, ignore_errors=True)


def _is_refusal(path: Path) -> bool:
    """Return whether the run in `path` ended before its work began; one of LIVE is kept for all."""
    try:
        manifest = RunManifest.read(path)
        events = [entry.event for entry in FileJournal(path / JOURNAL_NAME).entries()]
    except (NotFoundError, StorageError):
        return False
    has_work = events != ["run started", "run ended"] or bool(manifest.artifacts)
    is_refused = manifest.exit_code is not None and ExitCode.of(manifest.exit_code).is_refusal
    return is_refused and not has_work and manifest.mode is not TradingMode.LIVE


def _check_run_id(run_id: str) -> None:
    if run_id == LATEST:
        raise ValidationError(
            f"run id {run_id!r} is not usable: it stands for the last finished run; choose another",
            field="run id",
            expected="another name",
        )
    if not _RUN_ID.fullmatch(run_id):
        raise ValidationError(
            f"run id {run_id!r} is not usable: up to 100 letters, digits, dots, dashes and "
            "underscores, starting with a letter or digit",
            field="run id",
            expected=_RUN_ID.pattern,
        )


def _refuse_owned(path: Path) -> None:
    with suppress(NotFoundError, StorageError):
        if FileJournal(path / JOURNAL_NAME).has_writer():
            raise RunOwnedError(
                f"run {path.name!r} was not started: another process has it in {path.parent}; "
                "wait for its end, or start a run with another id",
                run_id=path.name,
            )


def _taken_error(root: Path, run_id: str) -> ConfigurationError:
    is_run = os.path.lexists(root / run_id / MANIFEST_NAME)
    what, remove = ("run", "") if is_run else ("folder", "which is no run: remove it, ")
    return ConfigurationError(
        f"there is a {what} {run_id!r} in {root} already{': ' if is_run else ', '}{remove}"
        "leave the run id unset, or choose another",
        key="TRADAI_RUN_ID",
    )


def _reason(path: Path) -> OSError:
    """Return why `path`, which is there, is no folder: its link may lead nowhere or to itself."""
    try:
        path.stat()
    except OSError as exc:
        return exc
    return NotADirectoryError(ENOTDIR, os.strerror(ENOTDIR))


def _creation_error(path: Path, exc: OSError) -> StorageError:
    if exc.errno == EFBIG:
        advice = "raise the limit on the size of files (ulimit -f)"
    else:
        free_space = "free space, or " if exc.errno in {ENOSPC, EDQUOT} else ""
        advice = f"{free_space}point TRADAI_RUN_FOLDER (--runs) at a writable folder"
    message = f"the run folder {path} cannot be created: {exc.strerror}; {advice}"
    return StorageError(message, operation="mkdir")

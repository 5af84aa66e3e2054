"""Move the engine's results out of its scratch folder, before anything is judged."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from tradai.core import file_errors
from tradai.core.exceptions import NotFoundError, StorageError
from tradai.entrypoint._store.names import EPOCHS_NAME, SCRATCH_NAME
from tradai.entrypoint.freqtrade._results.epochs import Epoch, read_epochs
from tradai.entrypoint.freqtrade._results.sqlite_file import DATABASE_NAME, keep_database

BACKTEST_NAME: Final = "engine-result.zip"
LOOKAHEAD_NAME: Final = "lookahead.csv"
MODELS_NAME: Final = "models"

# The engine's own names (freqtrade 2026.9), below its user folder, and ours in the run folder.
_EPOCHS: Final = "hyperopt_results/*.fthypt"
_ARCHIVES: Final = "backtest_results/*.zip"
_MODELS: Final = "models"
# The identifier of a FreqAI configuration names a folder, which may lie in others.
_MODEL_FILES: Final = "**/sub-train-*/*_model.*"
# In the folder it runs in.
ENGINE_DATABASE: Final = "tradesv3.dryrun.sqlite"


def collect_results(user_data: Path, folder: Path) -> list[str]:
    """Move what an engine that has ended wrote into the run's `folder`; return the new names.

    Args:
        user_data: The engine's user folder, below the folder it ran in.
        folder: Folder of the run, on the same disk.

    Raises:
        StorageError: The disk refused; the rest is moved, and what is left is where it was.
    """
    kept: list[str] = []
    problems: list[str] = []
    for source, name, keep in _results(user_data):
        try:
            with file_errors("keep", source):
                keep(source, folder / name)
            kept.append(name)
        except (NotFoundError, StorageError) as exc:
            problems.append(str(exc))
    if problems:
        message = f"{'; '.join(problems)}; what is not in {folder} is still in {user_data.parent}"
        raise StorageError(message, operation="keep")
    return kept


def newest_epochs(user_data: Path) -> Path | None:
    """Return the file of epochs that the engine writes; None before the first epoch."""
    return next(iter(_newest(user_data, _EPOCHS)), None)


def unfinished_epochs(folder: Path) -> list[Epoch] | None:
    """Return the epochs of the run in `folder` that the engine has written so far, in scratch.

    None before the first, and once they are kept as the result of the run. An epoch whose line is
    only begun is left out.

    Raises:
        StorageError: The file cannot be read, or is damaged.
    """
    files = _newest(folder / SCRATCH_NAME, f"*/{_EPOCHS}")
    return read_epochs(files[0], is_unfinished=True) if files else None


def has_models(user_data: Path) -> bool:
    """Return whether a model was trained and stored."""
    return any((user_data / _MODELS).glob(_MODEL_FILES))


def _results(user_data: Path) -> Iterator[tuple[Path, str, Callable[[Path, Path], object]]]:
    """Yield each result there is, its name in the run folder, and the way to keep it."""
    for path in _newest(user_data, _EPOCHS):
        yield path, EPOCHS_NAME, _keep_lines
    for path in _newest(user_data, _ARCHIVES):
        yield path, BACKTEST_NAME, Path.rename
    if (user_data / LOOKAHEAD_NAME).exists():
        yield user_data / LOOKAHEAD_NAME, LOOKAHEAD_NAME, Path.rename
    if has_models(user_data):
        yield user_data / _MODELS, MODELS_NAME, Path.rename
    database = user_data.parent / ENGINE_DATABASE
    if database.exists():
        yield database, DATABASE_NAME, keep_database


def _newest(folder: Path, pattern: str) -> list[Path]:
    return sorted(folder.glob(pattern), key=lambda path: path.stat().st_mtime_ns)[-1:]


def _keep_lines(source: Path, target: Path) -> None:
    """Move a file of lines, without the beginning of a last line that has no end."""
    with source.open("rb+") as file:
        file.truncate(file.read().rfind(b"\n") + 1)
    source.rename(target)

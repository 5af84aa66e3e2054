"""Write a new folder whole, or not at all, and never over another one."""

import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tradai.core.exceptions import ConfigurationError, StorageError

CONFIG_NAME: Final = "strategy.yaml"
SOURCE_NAME: Final = "strategies"


# In a folder that is filled: only one process at a time can make it.
_DRAFT: Final = ".tradai-init"


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """Yield an empty folder that becomes `folder` at the end; after an error nothing is left.

    A folder that is there is filled when it has only hidden files, such as those of git, and stays
    the same one: a shell may be in it.

    Raises:
        ConfigurationError: `folder` is there, and is a file or has files that are not hidden, or
            another process is filling it.
        StorageError: The disk refused.
    """
    folder = Path(os.path.realpath(folder))
    _check_is_free(folder)
    is_filled = folder.is_dir()
    # Another container has the same process ids.
    new_name = f".{folder.name}.{secrets.token_hex(4)}.new"
    draft = folder / _DRAFT if is_filled else folder.with_name(new_name)
    try:
        draft.mkdir(parents=not is_filled)
    except FileExistsError as exc:
        message = f"another init is filling {folder}, or was killed there: wait, or remove {draft}"
        raise ConfigurationError(message, key="FOLDER", source=str(folder)) from exc
    except OSError as exc:
        raise _unwritable(folder, exc) from exc
    try:
        yield draft
        if is_filled:
            _fill(folder, draft)
        else:
            # The system refuses a file, and a folder that is not empty.
            draft.rename(folder)
    except OSError as exc:
        raise _unwritable(folder, exc) from exc
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _fill(folder: Path, draft: Path) -> None:
    """Move what is in `draft` into `folder`, the configuration last, without which nothing runs."""
    _check_is_free(folder)
    for path in sorted(draft.iterdir(), key=lambda path: path.name == CONFIG_NAME):
        path.rename(folder / path.name)


def _unwritable(folder: Path, error: OSError) -> Exception:
    _check_is_free(folder)
    return StorageError(f"{folder} cannot be written: {error.strerror}", operation="write")


def write_texts(folder: Path, texts: Mapping[str, str]) -> None:
    """Write `texts`, by their paths in `folder`."""
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _check_is_free(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(map(_is_shown, folder.iterdir()))):
        message = f"{folder} is there already and is not overwritten: name another folder"
        raise ConfigurationError(message, key="FOLDER", source=str(folder))


def _is_shown(path: Path) -> bool:
    return not path.name.startswith(".")

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


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """Yield an empty folder that becomes `folder` at the end; after an error nothing is left.

    Raises:
        ConfigurationError: `folder` is there, and is a file or not empty.
        StorageError: The disk refused.
    """
    folder = Path(os.path.realpath(folder))
    # Another container has the same process ids.
    draft = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.new")
    try:
        draft.mkdir(parents=True)
        yield draft
        # The system refuses a file, and a folder that is not empty.
        draft.rename(folder)
    except OSError as exc:
        _check_is_free(folder)
        message = f"{folder} cannot be written: {exc.strerror}"
        raise StorageError(message, operation="write") from exc
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def write_texts(folder: Path, texts: Mapping[str, str]) -> None:
    """Write `texts`, by their paths in `folder`."""
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _check_is_free(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        message = f"{folder} is there already and is not overwritten: name another folder"
        raise ConfigurationError(message, key="FOLDER", source=str(folder))

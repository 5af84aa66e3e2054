"""Files beside candles that say where they are from, and by which rules they are traded."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from tradai.core import FileKind, FileStore, file_errors, read_regular_file
from tradai.core.exceptions import ConflictError, ValidationError
from tradai.entrypoint.freqtrade._candles.dataset import (
    DATASET_NAME,
    data_folder,
    dataset_notices,
)
from tradai.entrypoint.freqtrade._exchange.leverage_tiers import TIERS_NAME
from tradai.entrypoint.freqtrade._exchange.rules_reading import MARKETS_NAME

DATASET_FILES: Final = (DATASET_NAME, MARKETS_NAME, TIERS_NAME)


def copy_dataset_files(data: str, folder: Path) -> tuple[Path, ...]:
    """Copy the origin of the candles, their market rules and leverage tiers, and return the copies.

    They stay true of the same candles in another format or timeframe. A file that
    `folder` has already stays as it is.

    Args:
        data: Path or URI of the folder of candles.
        folder: Folder to copy into.

    Raises:
        StorageError: The disk refused.
    """
    source = data_folder(data)
    return () if source is None else tuple(_copies(source, folder))


def check_origin(data: str, folder: Path) -> None:
    """Check that synthetic candles of `data` are known as such in `folder`, too.

    The origin of the candles in `folder` would be taken for that of the new ones.

    Args:
        data: Path or URI of the folder of candles.
        folder: Folder that they are to be written to.

    Raises:
        ValidationError: The origin in `folder` does not say that candles are synthetic.
        StorageError: The disk refused.
    """
    target = folder / DATASET_NAME
    if target.exists() and _is_synthetic(data) and not _is_synthetic(str(folder)):
        expected = "an origin that says so, or none"
        message = (
            f"the candles of {data} are synthetic, and {target} does not say so of those beside "
            "it: name another folder; nothing was written"
        )
        raise ValidationError(message, field=str(target), expected=expected)


def _is_synthetic(data: str) -> bool:
    # A file that cannot be read says nothing.
    with suppress(ValidationError):
        return bool(dataset_notices(data))
    return False


def _copies(source: Path, folder: Path) -> Iterator[Path]:
    for name in DATASET_FILES:
        original, target = source / name, folder / name
        if original.is_file() and not target.exists():
            with file_errors("read", original):
                content = read_regular_file(original, FileKind.MARKET_RULES)
            # Another process may have copied one meanwhile.
            with suppress(ConflictError):
                FileStore().write(target.resolve().as_uri(), content, if_absent=True)
                yield target

"""The file ``dataset.json``, which says where the candles beside it are from."""

import json
from typing import Final

from tradai.core import FileKind, file_errors, file_path, read_regular_file
from tradai.core.exceptions import NotFoundError, ValidationError

DATASET_NAME: Final = "dataset.json"


def dataset_notices(data: str) -> tuple[str, ...]:
    """Return notices for the reader of a result about the origin of the candles.

    Args:
        data: Path or ``file:`` URI of the data folder.

    Raises:
        ValidationError: The file does not have the expected content, or is not a regular one.
        StorageError: It cannot be read.
    """
    path = file_path(data) / DATASET_NAME
    try:
        with file_errors("read", path):
            data_set = read_regular_file(path, FileKind.MANIFEST)
    except NotFoundError:
        return ()
    try:
        values = json.loads(data_set)
        is_synthetic, source = bool(values["synthetic"]), str(values["source"])
    except (ValueError, LookupError, TypeError) as exc:
        raise ValidationError(
            f"{path} is not usable: expected a JSON object with 'synthetic' and 'source'",
            field=str(path),
        ) from exc
    return (f"the candles are synthetic, not a market's: {source}",) if is_synthetic else ()

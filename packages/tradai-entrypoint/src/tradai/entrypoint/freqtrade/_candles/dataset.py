"""The file ``dataset.json``, which says where the candles beside it are from."""

import json
from typing import Final

from tradai.core import file_path
from tradai.core.exceptions import ValidationError

DATASET_NAME: Final = "dataset.json"


def dataset_notices(data: str) -> tuple[str, ...]:
    """Return notices for the reader of a result about the origin of the candles.

    Args:
        data: Path or ``file:`` URI of the data folder.

    Raises:
        ValidationError: The file does not have the expected content.
    """
    path = file_path(data) / DATASET_NAME
    if not path.is_file():
        return ()
    try:
        values = json.loads(path.read_bytes())
        is_synthetic, source = bool(values["synthetic"]), str(values["source"])
    except (ValueError, LookupError, TypeError) as exc:
        raise ValidationError(
            f"{path} is not usable: expected a JSON object with 'synthetic' and 'source'",
            field=str(path),
        ) from exc
    return (f"the candles are synthetic, not a market's: {source}",) if is_synthetic else ()

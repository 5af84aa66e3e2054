"""What a data folder says about itself: ``dataset.json`` beside the candles."""

import json
from typing import Final

from tradai.core import file_path
from tradai.core.exceptions import ValidationError

__all__ = ["DATASET_NAME", "dataset_notices"]

DATASET_NAME: Final = "dataset.json"


def dataset_notices(data: str) -> tuple[str, ...]:
    """Return what a reader of the result must know about where the candles are from.

    Args:
        data: Path or ``file:`` URI of the data folder.

    Raises:
        ValidationError: The file is there but is not what it should be.
    """
    path = file_path(data) / DATASET_NAME
    if not path.is_file():
        return ()
    try:
        told = json.loads(path.read_bytes())
        is_synthetic, source = bool(told["synthetic"]), str(told["source"])
    except (ValueError, LookupError, TypeError) as exc:
        raise ValidationError(
            f"{path} is not usable: expected a JSON object with 'synthetic' and 'source'",
            field=str(path),
        ) from exc
    return (f"the candles are synthetic, not a market's: {source}",) if is_synthetic else ()

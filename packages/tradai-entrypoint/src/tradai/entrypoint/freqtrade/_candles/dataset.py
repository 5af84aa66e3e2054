"""The folder of candles, and the file ``dataset.json`` in it, which says where they are from."""

import json
from pathlib import Path
from typing import Final

from tradai.core import (
    FileKind,
    file_errors,
    file_path,
    read_regular_file,
    series_name,
)
from tradai.core.exceptions import NotFoundError, ValidationError
from tradai.entrypoint.freqtrade._candles.staged_data import NeededSeries

DATASET_NAME: Final = "dataset.json"

# Backends whose candles are in a folder of this machine, by the beginning of the URI.
IN_FOLDERS: Final = ("parquet:", "arctic:lmdb:")


def data_folder(data: str) -> Path | None:
    """Return the folder of the candles at the path or URI `data`; None when it has none here."""
    for scheme in IN_FOLDERS:
        if data.startswith(scheme):
            place, _, _ = data.removeprefix(scheme).partition("?")
            return file_path(f"file:{place}")
    try:
        return file_path(data)
    except ValidationError:
        return None


def candle_files(series: NeededSeries) -> tuple[str, ...]:
    """Return the names that the file of `series` can have in a flat folder of candles.

    >>> candle_files(NeededSeries(pair="BTC/USDT", timeframe="5m", warmup=0, is_traded=True))
    ('BTC_USDT-5m.parquet', 'BTC_USDT-5m.feather')
    """
    stem = series_name(series.pair, series.timeframe)
    if series.kind != "spot":
        stem = f"futures/{stem.replace(':', '_')}-{series.kind}"
    return tuple(f"{stem}.{suffix}" for suffix in ("parquet", "feather"))


def dataset_notices(data: str) -> tuple[str, ...]:
    """Return notices for the reader of a result about the origin of the candles.

    Args:
        data: Path or URI of the candles; without a folder of this machine, nothing is known.

    Raises:
        ValidationError: The file does not have the expected content, or is not a regular one.
        StorageError: It cannot be read.
    """
    folder = data_folder(data)
    if folder is None:
        return ()
    path = folder / DATASET_NAME
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

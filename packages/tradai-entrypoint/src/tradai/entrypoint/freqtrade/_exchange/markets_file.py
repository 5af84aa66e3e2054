"""The file of the market rules: named, or beside the candles."""

from pathlib import Path

from tradai.core import file_path, redact
from tradai.core.exceptions import ConfigurationError
from tradai.entrypoint.freqtrade._candles.dataset import data_folder
from tradai.entrypoint.freqtrade._exchange.markets import MARKETS_NAME


def markets_file(given: str | None, data: str) -> Path:
    """Return the path of the market rules.

    Args:
        given: Path or ``file:`` URI of the file; None means the one beside the candles.
        data: Path or URI of the candles.

    Raises:
        ConfigurationError: There is no place beside the candles.
    """
    if given is not None:
        return file_path(given)
    folder = data_folder(data)
    if folder is None:
        message = (
            f"there is no folder beside the candles of {redact(data)} for market rules: name "
            "their file with --markets FILE, or set TRADAI_RUN_MARKETS"
        )
        raise ConfigurationError(message, key="TRADAI_RUN_MARKETS")
    return folder / MARKETS_NAME

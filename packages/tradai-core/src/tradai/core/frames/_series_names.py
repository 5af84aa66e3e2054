"""Names of series on disk, in the form of Freqtrade: ``BTC_USDT-5m``."""

import re
from typing import Final

from tradai.core._time.timeframe import Timeframe

_NAME: Final = re.compile(r"([A-Z0-9]{1,20})_([A-Z0-9]{1,20})-([1-9][0-9]{0,5}(?:[smhdw]|Mo))")


def series_name(pair: str, timeframe: Timeframe) -> str:
    """Return the name of a series; a month is ``Mo``, since some file systems ignore case."""
    return f"{pair.replace('/', '_')}-{timeframe.replace('M', 'Mo')}"


def parse_series_name(name: str) -> tuple[str, Timeframe] | None:
    """Return the pair and timeframe that `name` names; None for any other name."""
    match = _NAME.fullmatch(name)
    return match and (f"{match[1]}/{match[2]}", Timeframe(match[3].replace("Mo", "M")))

"""Market rules that cannot lie in one folder: made ones, and recorded answers of an exchange."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from tradai.core.exceptions import ConfigurationError, TradAIError
from tradai.entrypoint.freqtrade._candles.dataset import DATASET_NAME
from tradai.entrypoint.freqtrade._exchange.leverage_tiers import TIERS_NAME
from tradai.entrypoint.freqtrade._exchange.markets import MarketsSnapshot

_OTHER_FILES: Final = frozenset({DATASET_NAME, TIERS_NAME})


def check_rules_beside(rules: MarketsSnapshot, path: Path) -> None:
    """Check that made rules at `path` lie beside no recorded answers, and the reverse.

    Candles in the folder are of one exchange. Rules are made for one exchange and its contracts,
    and answers recorded of the others, so one of both would trade them wrongly.

    Raises:
        ConfigurationError: They do; both files are named.
    """
    is_made = rules.origin == "made"
    for other, found in _rules_in(path) if is_made or rules.answers else ():
        if found.origin == rules.origin:
            continue
        made, recorded = (path, other) if is_made else (other, path)
        answers = found if is_made else rules
        if answers.answers:
            message = (
                f"{made} has made market rules, and {recorded} the recorded answers of "
                f"{answers.exchange}: keep in a folder only the rules "
                "of the exchange that its candles are from"
            )
            raise ConfigurationError(message, key=str(made))


def _rules_in(path: Path) -> Iterator[tuple[Path, MarketsSnapshot]]:
    """Yield the other files of market rules in the folder of `path`."""
    for other in sorted(path.parent.glob("*.json")):
        found = None
        # Files that cannot be read as rules are other ones.
        with suppress(OSError, TradAIError):
            if other.name not in {path.name, *_OTHER_FILES} and _is_object(other):
                found = MarketsSnapshot.load(other)
        if found is not None:
            yield other, found


def _is_object(path: Path) -> bool:
    """Return whether the file begins as rules do; candles begin with a list."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(1) == b"{"

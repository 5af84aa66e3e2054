"""Read the bytes of a file of market rules, and check the ticks in it."""

from decimal import Decimal
from pathlib import Path
from typing import Final

from tradai.core import FileKind, MarketSnapshot, UnusableFileError, read_regular_file
from tradai.core.exceptions import NotFoundError, StorageError, ValidationError
from tradai.entrypoint.freqtrade._exchange.supported_exchanges import RECORDED_NAMES

MARKETS_NAME: Final = "markets.json"
# The engine does not trade a pair whose price moves by this or less (freqtrade 2026.9).
_UNTRADED_TICK: Final = Decimal("1e-11")


def read_rules(path: Path, exchange: str | None) -> bytes:
    """Return the content of `path`, which has the rules of `exchange`; None is any.

    Raises:
        NotFoundError: There is no file.
        ValidationError: It is not a regular file, or too large.
        StorageError: The disk refused.
    """
    try:
        return read_regular_file(path, FileKind.MARKET_RULES)
    except FileNotFoundError:
        raise _missing(path, exchange) from None
    except IsADirectoryError:
        raise ValidationError(
            f"the market rules {path} are a folder: name the file, such as {path / MARKETS_NAME}",
            field=str(path),
            expected="a file",
        ) from None
    except UnusableFileError as exc:
        message = f"the market rules {path} cannot be read: {exc.strerror}"
        raise ValidationError(message, field=str(path), expected=exc.expected) from None
    except OSError as exc:
        raise StorageError(
            f"the market rules {path} cannot be read: {exc.strerror}", operation="read"
        ) from exc


def check_ticks(rules: MarketSnapshot) -> None:
    """Check that the engine trades pairs of these ticks; it drops the others without a reason.

    Raises:
        ValidationError: A tick is too small.
    """
    for market in rules.markets:
        if market.tick <= _UNTRADED_TICK:
            message = (
                f"the tick of {market.pair} is {market.tick:f}, and the engine trades only pairs "
                f"whose tick is above {_UNTRADED_TICK:f}"
            )
            expected = f"a tick above {_UNTRADED_TICK:f}"
            raise ValidationError(message, field=market.pair, expected=expected)


def _missing(path: Path, exchange: str | None) -> NotFoundError:
    if not path.parent.exists():
        message = f"there is no folder {path.parent}: check --data, or --markets"
        return NotFoundError(message, kind="data folder", key=str(path.parent))
    place = f"--data {path.parent}" if path.name == MARKETS_NAME else f"--markets {path}"
    making = ", or make them without internet with `markets make`"
    message = (
        f"no market rules at {path}: capture them with `tradai-entrypoint markets capture CONFIG "
        f"{place}`{'' if exchange in RECORDED_NAMES else making}"
    )
    return NotFoundError(message, kind="markets", key=str(path))

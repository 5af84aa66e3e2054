"""The file of the market rules: named, or beside the candles."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

from tradai.core import FileKind, file_path, open_regular_file, redact
from tradai.core.exceptions import ConfigurationError, NotFoundError
from tradai.entrypoint._inputs.run_inputs import is_in_store
from tradai.entrypoint._runs.context import RunContext
from tradai.entrypoint.freqtrade._candles.dataset import data_folder
from tradai.entrypoint.freqtrade._exchange.markets import MarketsSnapshot
from tradai.entrypoint.freqtrade._exchange.rules_beside import check_rules_beside
from tradai.entrypoint.freqtrade._exchange.rules_reading import MARKETS_NAME

_KIND: Final = FileKind.MARKET_RULES


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


def add_rules(made: MarketsSnapshot, path: Path) -> MarketsSnapshot:
    """Add made rules to those at `path`, and return all of them.

    Raises:
        TradAIError: As `MarketsSnapshot.load`, `with_made` and `save`.
    """
    with _sole_adder(path):
        rules = MarketsSnapshot.load(path).with_made(made)
        rules.save(path)
    return rules


@contextmanager
def _sole_adder(path: Path) -> Iterator[None]:
    """Keep others that add to the file at `path` away, where it is there and can be locked.

    The lock is that of the file: the store that writes it takes that of the folder.
    """
    with ExitStack() as held:
        with suppress(OSError):
            # Another one may have replaced it meanwhile.
            while not _is_locked(held.enter_context(open_regular_file(path, _KIND)), path):
                pass
        yield


def _is_locked(file: BinaryIO, path: Path) -> bool:
    """Lock `file`, and return whether it is still the one at `path`."""
    fcntl.flock(file, fcntl.LOCK_EX)
    return os.path.samestat(os.fstat(file.fileno()), path.stat())


def rules_of(context: RunContext, data: str) -> MarketsSnapshot:
    """Return the market rules of a run, with a check of those that lie beside its candles, too.

    Args:
        context: The run.
        data: Path or URI of its candles on this machine.

    Raises:
        ConfigurationError: As `markets_file_of` and `check_rules_beside`.
        TradAIError: As `MarketsSnapshot.load`.
    """
    path, folder = markets_file_of(context, data), data_folder(data)
    rules = MarketsSnapshot.load(path, exchange=context.config.exchange)
    if folder is not None and folder.resolve() == path.resolve().parent:
        check_rules_beside(rules, path)
    return rules


def markets_file_of(context: RunContext, data: str) -> Path:
    """Return the path of the market rules of a run, on this machine.

    Args:
        context: The run.
        data: Path or URI of its candles on this machine.

    Raises:
        ConfigurationError: There is no place beside the candles.
        NotFoundError: They are not in the store that the candles are in.
    """
    given = context.require_data()
    if context.markets is not None:
        return markets_file(context.inputs.file_of(context.markets), given)
    path = markets_file(None, data)
    if is_in_store(given) and not path.exists():
        where = f"{given.rstrip('/')}/{MARKETS_NAME}"
        message = (
            f"there are no market rules at {where}: send them there, or name their place with "
            "--markets, or set TRADAI_RUN_MARKETS"
        )
        raise NotFoundError(message, kind="object", key=where)
    return path

"""`tradai-entrypoint markets capture`: save the exchange's market rules beside the candles."""

import argparse
import os
from pathlib import Path

from tradai.core import StrategyConfig, StrategyConfigLoader, file_path
from tradai.core.exceptions import ConfigurationError
from tradai.entrypoint._commands.console import print_text
from tradai.entrypoint._process.interrupts import Interrupts
from tradai.entrypoint._process.progress import Progress
from tradai.entrypoint._report.formatting import counted


def execute(args: argparse.Namespace, *, interrupts: Interrupts) -> int:
    """Capture the market rules of the configuration's pairs and print the path."""
    config = StrategyConfigLoader(environ=os.environ).load_config(args.config).config
    path = rules_file(args)
    print_text(capture(config, path, exchange_url=args.exchange_url, interrupts=interrupts))
    return 0


def capture(
    config: StrategyConfig, path: Path, *, exchange_url: str | None, interrupts: Interrupts
) -> str:
    """Write the rules of `config`'s pairs to `path` and return a sentence with it.

    Raises:
        ConfigurationError: The exchange is not known, or made rules lie beside recorded answers.
        NotFoundError: The exchange does not list a pair.
        ExternalServiceError: The exchange could not be reached.
        RunInterruptedError: A signal came first; nothing is written.
        StorageError: The disk refused.
    """
    from tradai.entrypoint.freqtrade import capture_markets, check_rules_beside

    with Progress() as progress:
        progress.say(f"asking {config.exchange} for its markets")
        snapshot = capture_markets(
            config.pairs,
            exchange=config.exchange,
            base_url=exchange_url,
            interrupts=interrupts,
            environ=os.environ,
        )
    check_rules_beside(snapshot, path)
    snapshot.save(path)
    pairs = counted(len(snapshot.pairs), "pair")
    return f"captured the market rules of {pairs} into {path}"


def rules_file(args: argparse.Namespace) -> Path:
    """Return the file that --markets names, or the one in the folder of --data.

    Raises:
        ConfigurationError: The candles are in no folder of this machine.
    """
    from tradai.entrypoint.freqtrade import MARKETS_NAME, data_folder

    if args.markets is not None:
        return file_path(args.markets)
    folder = data_folder(args.data)
    if folder is None:
        message = (
            "the candles are in no folder of this machine, so market rules have no place beside "
            "them: give --markets FILE instead of --data"
        )
        raise ConfigurationError(message, key="--data")
    return folder / MARKETS_NAME

"""`tradai-entrypoint markets capture`: save the exchange's market rules beside the candles."""

import argparse
import os
from pathlib import Path

from tradai.core import StrategyConfig, StrategyConfigLoader
from tradai.entrypoint._commands.console import print_text
from tradai.entrypoint._process.interrupts import Interrupts


def execute(args: argparse.Namespace, *, interrupts: Interrupts) -> int:
    """Capture the market rules of the configuration's pairs and print the path."""
    del interrupts
    config = StrategyConfigLoader(environ=os.environ).load_config(args.config).config
    print_text(capture(config, Path(args.data), exchange_url=args.exchange_url))
    return 0


def capture(config: StrategyConfig, folder: Path, *, exchange_url: str | None) -> str:
    """Write the rules of `config`'s pairs into `folder` and return a sentence with their path.

    Raises:
        ConfigurationError: The exchange is not known.
        NotFoundError: The exchange does not list a pair.
        ExternalServiceError: The exchange could not be reached.
    """
    from tradai.entrypoint.freqtrade import MARKETS_NAME, MarketsSnapshot

    snapshot = MarketsSnapshot.capture(
        config.pairs, exchange=config.exchange, base_url=exchange_url
    )
    path = folder / MARKETS_NAME
    path.parent.mkdir(parents=True, exist_ok=True)
    snapshot.save(path)
    return f"captured the market rules of {len(snapshot.pairs)} pairs into {path}"

"""`tradai-entrypoint data download`: download candles and market rules through the engine."""

import argparse
import os

from tradai.core import OpenTimeRange, StrategyConfigLoader, TimeRange, file_path, parse_time_range
from tradai.core.exceptions import ConfigurationError, ValidationError
from tradai.entrypoint._commands.arguments import start_logging
from tradai.entrypoint._commands.console import print_failure, print_text
from tradai.entrypoint._commands.markets.capture import capture
from tradai.entrypoint._process.exit_codes import Verdict
from tradai.entrypoint._process.interrupts import Interrupts
from tradai.entrypoint._process.progress import Progress


def execute(args: argparse.Namespace, *, interrupts: Interrupts) -> int:
    """Download the candles, capture the market rules and return the exit code."""
    from tradai.entrypoint.freqtrade import MARKETS_NAME, download

    start_logging(args)
    timerange = _timerange(args.timerange)
    config = StrategyConfigLoader(environ=os.environ).load_config(args.config).config
    folder = file_path(args.data)
    with Progress() as progress:
        progress.say("downloading candles")
        verdict: Verdict = download(
            config,
            folder,
            timerange=timerange,
            exchange_url=args.exchange_url,
            interrupts=interrupts,
            environ=os.environ,
        )
    if not verdict.is_success:
        print_failure(verdict.sentence)
        return int(verdict.exit_code)
    print_text(verdict.sentence)
    rules = folder / MARKETS_NAME
    print_text(capture(config, rules, exchange_url=args.exchange_url, interrupts=interrupts))
    return 0


def _timerange(text: str) -> TimeRange | OpenTimeRange:
    try:
        return parse_time_range(text)
    except ValidationError as exc:
        raise ConfigurationError(f"--timerange {text}: {exc}", key="--timerange") from exc

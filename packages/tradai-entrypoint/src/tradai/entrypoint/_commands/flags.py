"""Flags that several commands have; importing them imports no command."""

import argparse
from collections.abc import Callable
from typing import Final, TypeAlias

from tradai.core import TradingMode

# Help of an argument that names a run.
RUN: Final = "run id, a unique prefix of one, 'latest', a folder, or a URI"
# argparse gives the types of commands and verbs, and of groups, no public name (SLF001).
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001
Options: TypeAlias = "argparse._ActionsContainer"  # noqa: SLF001


def add_verbs(commands: Commands, name: str, text: str) -> Commands:
    """Add the command `name`, which has verbs, and return these; `text` is its help."""
    parser = commands.add_parser(name, help=text)
    return parser.add_subparsers(title="verbs", metavar="VERB", required=True)


def add_config(parser: argparse.ArgumentParser) -> None:
    """Add the configuration."""
    parser.add_argument("config", metavar="CONFIG", help="strategy configuration: path or URI")


def add_words(
    parser: argparse.ArgumentParser, name: str, *, metavar: str, nargs: str, text: str
) -> None:
    """Add a list of words, which may stand before and after flags."""
    parser.add_argument(name, metavar=metavar, nargs=nargs, help=text)
    parser.set_defaults(listed=name)


def add_run_arguments(parser: argparse.ArgumentParser, *, mode: TradingMode | None = None) -> None:
    """Add the arguments that choose a run; `mode` is the only one, unless it is None."""
    parser.add_argument(
        "config", metavar="CONFIG", nargs="?", help="strategy configuration: path or URI"
    )
    text = "override, e.g. execution.fee=0.001"
    add_words(parser, "overrides", metavar="key=value", nargs="*", text=text)
    if mode is None:
        parser.add_argument("--mode", choices=[each.value for each in TradingMode], help="run mode")
    else:
        parser.set_defaults(mode=mode.value)
    add_inputs(parser)


def add_inputs(parser: argparse.ArgumentParser) -> None:
    """Add candles, market rules, time range, patches, and places of runs."""
    parser.add_argument("--data", metavar="DIR", help="candles: path or URI")
    parser.add_argument(
        "--markets",
        metavar="FILE",
        help="market rules: path or URI (default: markets.json in the folder of the candles)",
    )
    parser.add_argument(
        "--timerange", metavar="RANGE", help="time range (run.timerange), e.g. 20250101-20250401"
    )
    parser.add_argument(
        "--patch", metavar="FILE", action="append", default=[], help="YAML laid over CONFIG"
    )
    add_folder(parser)
    add_store(parser)


def add_holdings(parser: argparse.ArgumentParser) -> None:
    """Add the consent to an account that holds coins of the pairs."""
    parser.add_argument(
        "--accept-holdings",
        action="store_true",
        help="let LIVE start on an account that holds coins of its pairs",
    )


def add_dry_run(parser: argparse.ArgumentParser) -> None:
    """Add the choices of a dry-run."""
    parser.add_argument(
        "--continue",
        dest="continues",
        metavar="RUN",
        help="go on with the trades and the balance of the dry-run RUN, which has ended",
    )
    parser.add_argument(
        "--accept-changes",
        action="store_true",
        help="let --continue go on with another configuration or source than that of RUN",
    )
    interface = parser.add_mutually_exclusive_group()
    for name, text in (("api", "Freqtrade's REST API"), ("ui", "FreqUI and Freqtrade's REST API")):
        interface.add_argument(
            f"--{name}",
            dest="engine_api",
            action="store_const",
            const=name,
            help=f"open {text} of a dry-run on 127.0.0.1, with a password shown once",
        )


def add_folder(parser: argparse.ArgumentParser) -> None:
    """Add the folder of runs."""
    parser.add_argument("--runs", metavar="DIR", help="folder of runs (default: .tradai/runs)")


def add_comparisons(parser: argparse.ArgumentParser) -> None:
    """Add the folder of comparisons."""
    parser.add_argument(
        "--comparisons",
        metavar="DIR",
        default=".tradai/comparisons",
        help="folder of comparisons (default: .tradai/comparisons)",
    )


def add_store(parser: argparse.ArgumentParser) -> None:
    """Add the store of runs."""
    parser.add_argument(
        "--store", metavar="URI", help="run store, e.g. s3://bucket/runs/ (TRADAI_RUN_STORE)"
    )


def add_output(parser: argparse.ArgumentParser) -> None:
    """Add the choice of JSON as output."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def add_table_output(parser: argparse.ArgumentParser) -> None:
    """Add the choice of JSON or CSV as output."""
    output = parser.add_mutually_exclusive_group()
    output.add_argument("--json", action="store_true", help="print JSON")
    output.add_argument("--csv", action="store_true", help="print CSV")


def add_limit(options: Options, *, action: str | type[argparse.Action] = "store") -> None:
    """Add the number of runs at a time, which `action` stores."""
    options.add_argument(
        "--limit",
        action=action,
        metavar="K",
        type=whole_number(1),
        help="runs at a time (default: one for each core, as far as memory allows)",
    )


def add_logging(parser: argparse.ArgumentParser) -> None:
    """Add the choices of log lines."""
    parser.add_argument(
        "--log-format", choices=("json", "console"), help="format of log lines (default: console)"
    )
    parser.add_argument(
        "--log-level",
        choices=("DEBUG", "INFO", "WARNING", "ERROR"),
        help="lowest level that is logged (default: INFO)",
    )


def whole_number(least: int, most: int | None = None) -> Callable[[str], int]:
    """Return the reader of a whole number from `least` to `most`, for argparse."""
    text = f"{least} or more" if most is None else f"{least} to {most:,}"

    def read(word: str) -> int:
        number = int(word) if word.isascii() and word.isdigit() else None
        if number is None or number < least or (most is not None and number > most):
            message = f"{word!r} is not a whole number of {text}"
            raise argparse.ArgumentTypeError(message)
        return number

    return read


def words(expected: str) -> Callable[[str], str]:
    """Return the reader of a text that is not empty, for argparse."""

    def read(text: str) -> str:
        if not text.strip():
            message = f"it is empty: expected {expected}"
            raise argparse.ArgumentTypeError(message)
        return text

    return read

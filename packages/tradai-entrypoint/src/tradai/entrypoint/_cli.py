"""The command line of `tradai-entrypoint`: grammar here, work in `_commands`."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Final

from tradai.core import TradingMode
from tradai.core.exceptions import TradAIError
from tradai.entrypoint._process.interrupts import Interrupts

__all__ = ["build_parser", "run_command"]

_EPILOG: Final = """\
first steps:
  tradai-entrypoint check strategy.yaml --mode backtest --data candles/
  tradai-entrypoint run strategy.yaml --mode backtest --data candles/
  tradai-entrypoint runs list

Each flag that has a variable in `doctor` can also come from the environment.
Exit codes: docs/reference/exit-codes.md
"""


def run_command(argv: Sequence[str], *, interrupts: Interrupts) -> int:
    """Parse `argv`, run its command and return the exit code."""
    args = _parse(argv)
    command = import_module(f"tradai.entrypoint._commands.{args.module}")
    try:
        code: int = command.execute(args, interrupts=interrupts)
    except TradAIError as exc:
        from tradai.entrypoint._process.exit_codes import ExitCode

        print(f"tradai-entrypoint: {exc}", file=sys.stderr)
        return ExitCode.of_error(exc)
    except BrokenPipeError:
        # The reader of our output went away (`| head`); nothing is left to say to it.
        sys.stderr.close()
        return 0
    return code


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    """Parse; overrides may also follow flags, where argparse itself takes no more of them."""
    parser = build_parser()
    args, rest = parser.parse_known_args(argv)
    strangers = [word for word in rest if word.startswith("-") or "overrides" not in args]
    if strangers:
        parser.error(f"unrecognized arguments: {' '.join(strangers)}")
    if rest:
        args.overrides = [*args.overrides, *rest]
    args.argv = list(argv)
    return args


def build_parser() -> argparse.ArgumentParser:
    """Return the whole grammar; building it imports no command."""
    parser = argparse.ArgumentParser(
        prog="tradai-entrypoint",
        description="Run one trading strategy, from backtest to dry-run, and keep the evidence.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=_LazyVersion())
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_run(commands)
    _add_check(commands)
    _add_doctor(commands)
    _add_runs(commands)
    _add_data(commands)
    _add_markets(commands)
    _add_completion(commands)
    return parser


class _LazyVersion(str):
    """The installed version, looked up only when it is printed."""

    __slots__ = ()

    def __mod__(self, _: object) -> str:
        from importlib.metadata import version

        return f"tradai-entrypoint {version('tradai-entrypoint')}"


def _add_run(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "run",
        help="run a strategy in one mode",
        description="Run a strategy in one mode. Every run, also a refused one, leaves a folder "
        "with manifest, journal, result and report.",
    )
    parser.set_defaults(module="run")
    _add_what_to_run(parser)
    parser.add_argument("--from", dest="replay", metavar="RUN", help="repeat RUN exactly")
    parser.add_argument("--run-id", metavar="ID", help="name the run (default: a new id)")
    parser.add_argument("--trace-id", metavar="ID", help="id that follows the job everywhere")
    _add_output(parser)
    _add_logging(parser)


def _add_check(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "check",
        help="check all that can be checked without starting",
        description="Check configuration, strategy source, candles, market rules and engine "
        "without starting it. The exit code is that of the first failed row.",
    )
    parser.set_defaults(module="check")
    _add_what_to_run(parser)
    parser.add_argument(
        "--plan", action="store_true", help="print what the engine will be told, redacted"
    )
    _add_output(parser)


def _add_doctor(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "doctor",
        help="show every setting, its source, and what is installed",
        description="Show every setting with its source (values redacted), variables that look "
        "like ours but are not, installed slices, backends, handlers and versions.",
    )
    parser.set_defaults(module="doctor")
    _add_output(parser)


def _add_runs(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("runs", help="look at the runs there are")
    parser.set_defaults(module="runs")
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    listing = verbs.add_parser("list", help="list runs, newest first")
    listing.set_defaults(verb="list")
    show = verbs.add_parser("show", help="show one run")
    show.set_defaults(verb="show")
    show.add_argument("run", metavar="RUN", help="run id, its unique beginning, or 'latest'")
    diff = verbs.add_parser("diff", help="show what differs between two runs")
    diff.set_defaults(verb="diff")
    diff.add_argument("run", metavar="RUN")
    diff.add_argument("other", metavar="OTHER")
    for verb in (listing, show, diff):
        _add_folder(verb)
        _add_output(verb)


def _add_data(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("data", help="candles")
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    download = verbs.add_parser(
        "download",
        help="download candles through the engine (online)",
        description="Download the candles a configuration needs from the exchange, through the "
        "engine, into the data folder, and capture the market rules beside them.",
    )
    download.set_defaults(module="data", verb="download")
    _add_config(download)
    download.add_argument("--data", metavar="DIR", required=True, help="folder for the candles")
    download.add_argument("--timerange", metavar="RANGE", required=True, help="20250101-20250401")
    download.add_argument("--exchange-url", metavar="URL", help="a loopback exchange (tests)")
    _add_logging(download)


def _add_markets(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("markets", help="market rules")
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    capture = verbs.add_parser(
        "capture",
        help="capture the exchange's market rules (online)",
        description="Write a snapshot of the exchange's market rules (tick, step, minimum) for "
        "the pairs of a configuration beside its candles; backtests take their rules from it.",
    )
    capture.set_defaults(module="markets", verb="capture")
    _add_config(capture)
    capture.add_argument("--data", metavar="DIR", required=True, help="folder of the candles")
    capture.add_argument("--exchange-url", metavar="URL", help="a loopback exchange (tests)")


def _add_completion(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("completion", help="print a shell completion script")
    parser.set_defaults(module="completion", build_parser=build_parser)
    parser.add_argument("shell", choices=("bash", "zsh", "tcsh"))


def _add_config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("config", metavar="CONFIG", help="strategy configuration: path or URI")


def _add_what_to_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "config", metavar="CONFIG", nargs="?", help="strategy configuration: path or URI"
    )
    parser.add_argument(
        "overrides", metavar="key=value", nargs="*", help="override, e.g. execution.fee=0.001"
    )
    parser.add_argument("--mode", choices=[mode.value for mode in TradingMode], help="what to do")
    parser.add_argument("--data", metavar="DIR", help="candles: path or URI")
    parser.add_argument("--timerange", metavar="RANGE", help="20250101-20250401 (run.timerange)")
    parser.add_argument(
        "--patch", metavar="FILE", action="append", default=[], help="YAML laid over CONFIG"
    )
    _add_folder(parser)


def _add_folder(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--runs", metavar="DIR", help="folder of runs (default: .tradai/runs)")


def _add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON for machines")


def _add_logging(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--log-format", choices=("json", "console"), help="default: console")
    parser.add_argument("--log-level", choices=("DEBUG", "INFO", "WARNING", "ERROR"))

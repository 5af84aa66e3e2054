"""Command-line grammar of `tradai-entrypoint`; the commands are in `_commands`."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Final

from tradai.core import TradingMode
from tradai.core.exceptions import TradAIError
from tradai.entrypoint._process.interrupts import Interrupts

_EPILOG: Final = """\
first steps:
  tradai-entrypoint check strategy.yaml --mode backtest --data candles/
  tradai-entrypoint run strategy.yaml --mode backtest --data candles/
  tradai-entrypoint runs list

`doctor` lists the environment variables that can replace flags.
Exit codes: docs/reference/exit-codes.md
"""

# A single run has nothing to be compared with.
_FEWEST_TIMES: Final = 2


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
        # The reader of our output went away (`| head`), so a message would reach no one.
        sys.stderr.close()
        return 0
    return code


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    """Parse `argv`; accept overrides after flags too, where argparse itself takes none."""
    parser = build_parser()
    args, rest = parser.parse_known_args(argv)
    unknown = [word for word in rest if word.startswith("-") or "overrides" not in args]
    if unknown:
        parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    if rest:
        args.overrides = [*args.overrides, *rest]
    args.argv = list(argv)
    return args


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line; building it imports no command."""
    parser = argparse.ArgumentParser(
        prog="tradai-entrypoint",
        description="Run a trading strategy, from backtest to dry-run, and record each run.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=_LazyVersion())
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_run(commands)
    _add_check(commands)
    _add_doctor(commands)
    _add_runs(commands)
    _add_submit(commands)
    _add_jobs(commands)
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
        description="Run a strategy in one mode. Every run, even a refused one, leaves a folder "
        "with its manifest, journal, result and report.",
    )
    parser.set_defaults(module="run")
    _add_run_arguments(parser)
    parser.add_argument("--from", dest="replay", metavar="RUN", help="repeat the run RUN exactly")
    parser.add_argument(
        "--verify",
        type=_times,
        metavar="N",
        help="run N times and compare the trades: is the strategy deterministic?",
    )
    parser.add_argument("--run-id", metavar="ID", help="id of the run (default: a new one)")
    parser.add_argument(
        "--trace-id", metavar="ID", help="id of the job in every system (default: the run id)"
    )
    _add_output(parser)
    _add_logging(parser)


def _times(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < _FEWEST_TIMES:
        message = f"{text!r} is not a whole number of {_FEWEST_TIMES} or more"
        raise argparse.ArgumentTypeError(message)
    return int(text)


def _add_check(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "check",
        help="check a run without starting it",
        description="Check configuration, strategy source, candles, market rules and engine "
        "without starting the run. The exit code is that of the first failed check.",
    )
    parser.set_defaults(module="check")
    _add_run_arguments(parser)
    parser.add_argument(
        "--plan",
        action="store_true",
        help="print the engine's configuration and arguments, redacted",
    )
    _add_output(parser)


def _add_doctor(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "doctor",
        help="show every setting, its source, and installed versions",
        description="Show every setting with its source (values redacted), TRADAI_ variables that "
        "no setting reads, and the installed packages, backends and handlers.",
    )
    parser.set_defaults(module="doctor")
    _add_output(parser)


def _add_runs(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("runs", help="list, show and compare runs")
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    listing = verbs.add_parser("list", help="list runs, newest first")
    listing.set_defaults(module="runs.list")
    show = verbs.add_parser("show", help="show one run")
    show.set_defaults(module="runs.show")
    show.add_argument("run", metavar="RUN", help="run id, a unique prefix of one, or 'latest'")
    diff = verbs.add_parser("diff", help="compare two runs")
    diff.set_defaults(module="runs.diff")
    diff.add_argument("run", metavar="RUN", help="first run")
    diff.add_argument("other", metavar="OTHER", help="second run")
    for verb in (listing, show, diff):
        _add_folder(verb)
        _add_output(verb)


def _add_submit(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "submit",
        help="run a strategy as a job",
        description="Run a strategy as a job of a runner. It is followed to its end, and Ctrl-C "
        "stops it; with --detach it goes on by itself.",
    )
    parser.set_defaults(module="submit")
    _add_run_arguments(parser)
    parser.add_argument("--job-id", metavar="ID", help="id of job and run (default: a new one)")
    parser.add_argument("--detach", action="store_true", help="return once the job is launched")
    parser.add_argument(
        "--env", metavar="NAME=VALUE", action="append", default=[], help="variable of the job"
    )
    parser.add_argument(
        "--secret",
        metavar="NAME=REFERENCE",
        action="append",
        default=[],
        help="variable of the job whose value is resolved at the launch, e.g. KEY=env:MY_KEY",
    )
    parser.add_argument("--time-limit", metavar="SECONDS", type=int, help="longest time it may run")
    _add_runner(parser)
    _add_output(parser)


def _add_jobs(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("jobs", help="list, show, follow and stop jobs")
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    listing = verbs.add_parser("list", help="list jobs by id")
    show = verbs.add_parser("show", help="show one job")
    logs = verbs.add_parser("logs", help="print the output of a job")
    logs.add_argument("-f", "--follow", action="store_true", help="go on until the job has ended")
    logs.add_argument("--after", metavar="N", type=int, default=0, help="leave out N lines")
    stop = verbs.add_parser("stop", help="stop a job and wait for its end")
    stop.add_argument("--reason", default="jobs stop", help="reason, kept with the job")
    for name, verb in (("list", listing), ("show", show), ("logs", logs), ("stop", stop)):
        verb.set_defaults(module=f"jobs.{name}")
        if verb is not listing:
            verb.add_argument("job", metavar="JOB", help="job id, or a unique prefix of one")
        _add_runner(verb)
        _add_output(verb)


def _add_runner(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--on", metavar="URI", default="local:", help="job runner (default: local:)"
    )


def _add_data(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("data", help="download candles")
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    download = verbs.add_parser(
        "download",
        help="download candles through the engine (online)",
        description="Download the candles that a configuration needs from the exchange, through "
        "the engine, into the data folder, and capture the market rules beside them.",
    )
    download.set_defaults(module="data")
    _add_config(download)
    download.add_argument("--data", metavar="DIR", required=True, help="folder for the candles")
    download.add_argument(
        "--timerange", metavar="RANGE", required=True, help="e.g. 20250101-20250401"
    )
    download.add_argument("--exchange-url", metavar="URL", help="a loopback exchange (tests)")
    _add_logging(download)


def _add_markets(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("markets", help="capture market rules")
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    capture = verbs.add_parser(
        "capture",
        help="capture the exchange's market rules (online)",
        description="Write a snapshot of the exchange's market rules (tick, step, minimum) for "
        "the pairs of a configuration beside its candles; backtests use these rules.",
    )
    capture.set_defaults(module="markets")
    _add_config(capture)
    capture.add_argument("--data", metavar="DIR", required=True, help="folder of the candles")
    capture.add_argument("--exchange-url", metavar="URL", help="a loopback exchange (tests)")


def _add_completion(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("completion", help="print a shell completion script")
    parser.set_defaults(module="completion", build_parser=build_parser)
    parser.add_argument("shell", choices=("bash", "zsh", "tcsh"), help="shell of the script")


def _add_config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("config", metavar="CONFIG", help="strategy configuration: path or URI")


def _add_run_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "config", metavar="CONFIG", nargs="?", help="strategy configuration: path or URI"
    )
    parser.add_argument(
        "overrides", metavar="key=value", nargs="*", help="override, e.g. execution.fee=0.001"
    )
    parser.add_argument("--mode", choices=[mode.value for mode in TradingMode], help="run mode")
    parser.add_argument("--data", metavar="DIR", help="candles: path or URI")
    parser.add_argument(
        "--timerange", metavar="RANGE", help="time range (run.timerange), e.g. 20250101-20250401"
    )
    parser.add_argument(
        "--patch", metavar="FILE", action="append", default=[], help="YAML laid over CONFIG"
    )
    _add_folder(parser)


def _add_folder(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--runs", metavar="DIR", help="folder of runs (default: .tradai/runs)")


def _add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON")


def _add_logging(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--log-format", choices=("json", "console"), help="format of log lines (default: console)"
    )
    parser.add_argument(
        "--log-level",
        choices=("DEBUG", "INFO", "WARNING", "ERROR"),
        help="lowest level that is logged (default: INFO)",
    )

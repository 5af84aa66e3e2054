"""Command-line grammar of `tradai-entrypoint`; the commands are in `_commands`."""

import argparse
import signal
from collections.abc import Sequence
from importlib import import_module
from typing import Final

from tradai.core.exceptions import TradAIError
from tradai.entrypoint._commands.analyse.grammar import add_analyse
from tradai.entrypoint._commands.data.grammar import add_data
from tradai.entrypoint._commands.flags import (
    Commands,
    add_dry_run,
    add_holdings,
    add_logging,
    add_output,
    add_run_arguments,
    whole_number,
)
from tradai.entrypoint._commands.freqtrade_flags import advice_on_flags
from tradai.entrypoint._commands.hyperopt.grammar import add_hyperopt
from tradai.entrypoint._commands.jobs.grammar import (
    add_compare,
    add_contain,
    add_jobs,
    add_submit,
    add_sweep,
)
from tradai.entrypoint._commands.live.grammar import add_approve
from tradai.entrypoint._commands.live.operator_grammar import add_operators
from tradai.entrypoint._commands.markets.grammar import add_markets
from tradai.entrypoint._commands.runs.grammar import add_report, add_runs, add_sync
from tradai.entrypoint._commands.strategies.grammar import add_init
from tradai.entrypoint._process.interrupts import Interrupts
from tradai.entrypoint._process.output import OutputStream, checked_output

PROGRAM: Final = "tradai-entrypoint"

# Command of an adapter: the requirement that brings it, and its help.
_OF_ADAPTERS: Final = {
    "image": ("tradai-aws[docker]", "build and push container images"),
    "models": ("tradai-mlflow", "register, promote and roll back models"),
}

# Lists of words among which are overrides of a configuration.
_WITH_OVERRIDES: Final = ("configs", "overrides")

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
    """Parse `argv`, run its command and return the exit code.

    Raises:
        SystemExit: The command line is wrong, or asks for help.
    """
    with checked_output() as output:
        try:
            args = _parse(argv)
        except SystemExit as exc:
            raise SystemExit(_code_with_output(exc.code, output, interrupts)) from None
        code = _run(args, interrupts)
        return int(_code_with_output(code, output, interrupts) or 0)


def _run(args: argparse.Namespace, interrupts: Interrupts) -> int:
    command = import_module(f"tradai.entrypoint._commands.{args.module}")
    try:
        code: int = command.execute(args, interrupts=interrupts)
    except TradAIError as exc:
        from tradai.entrypoint._commands.console import print_failure
        from tradai.entrypoint._process.exit_codes import ExitCode

        print_failure(str(exc))
        return ExitCode.of_error(exc)
    except UnicodeEncodeError:
        from tradai.entrypoint._commands.console import print_failure
        from tradai.entrypoint._process.exit_codes import ExitCode

        print_failure("this locale has no character of a path for files: set LC_ALL=C.UTF-8")
        return ExitCode.CONFIGURATION
    return code


def _code_with_output(
    code: str | int | None, output: OutputStream, interrupts: Interrupts
) -> str | int | None:
    """Return the exit code, which says too that output was lost; say so."""
    output.flush()
    # After a hangup the output was for a terminal that is gone.
    if output.error is None or interrupts.received == signal.SIGHUP:
        return code
    from tradai.entrypoint._commands.console import print_failure
    from tradai.entrypoint._process.exit_codes import ExitCode

    reason = output.error.strerror or type(output.error).__name__
    print_failure(f"output is lost, because standard output cannot be written: {reason}")
    return code or ExitCode.RESULT


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    """Parse `argv`; accept words of a list after flags too, where argparse itself takes none."""
    if argv and argv[0] in _OF_ADAPTERS:
        # The adapter parses its own arguments.
        name, distribution = argv[0], _OF_ADAPTERS[argv[0]][0]
        return argparse.Namespace(
            module="adapter", command=name, distribution=distribution, arguments=list(argv[1:])
        )
    parser = build_parser()
    args, rest = parser.parse_known_args(argv)
    listed: str | None = getattr(args, "listed", None)
    unknown = [word for word in rest if word.startswith("-") or listed is None]
    if unknown:
        flags = [word for word in rest if word.startswith("-")]
        advice = advice_on_flags(flags) if listed in _WITH_OVERRIDES else None
        parser.error(advice or f"unrecognized arguments: {_masked(unknown)}")
    if listed:
        setattr(args, listed, [*getattr(args, listed), *rest])
    args.argv = list(argv)
    return args


def _masked(words: Sequence[str]) -> str:
    """Return `words` as one text, without what looks like a secret."""
    # Most command lines are right, and start without it.
    from tradai.core import OverridesLayer

    return " ".join(map(OverridesLayer.masked, words))


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line; building it imports no command."""
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Run a trading strategy, from backtest to live, and record each run.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=_LazyVersion("%(prog)s"))
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_run(commands)
    _add_check(commands)
    add_analyse(commands)
    add_init(commands)
    add_approve(commands)
    add_operators(commands)
    _add_doctor(commands)
    add_runs(commands)
    add_report(commands)
    add_hyperopt(commands)
    add_sync(commands)
    add_submit(commands)
    add_sweep(commands)
    add_compare(commands)
    add_jobs(commands)
    add_contain(commands)
    add_data(commands)
    add_markets(commands)
    for name, (distribution, text) in _OF_ADAPTERS.items():
        commands.add_parser(name, help=f"{text} ({distribution})", add_help=False)
    _add_completion(commands)
    return parser


class _LazyVersion(str):
    """The installed version, looked up only when it is printed."""

    __slots__ = ()

    def __mod__(self, _: object) -> str:
        from importlib.metadata import version

        return f"tradai-entrypoint {version('tradai-entrypoint')}"


def _add_run(commands: Commands) -> None:
    parser = commands.add_parser(
        "run",
        help="run a strategy in one mode",
        description="Run a strategy in one mode. Every run, even a refused one, leaves a folder "
        "with its manifest, journal, result and report.",
    )
    parser.set_defaults(module="run")
    add_run_arguments(parser)
    parser.add_argument(
        "--max-idle",
        metavar="DURATION",
        help="end a bot that stands still this long (run.max_idle), e.g. 30m",
    )
    parser.add_argument("--from", dest="replay", metavar="RUN", help="repeat the run RUN exactly")
    add_dry_run(parser)
    parser.add_argument(
        "--verify",
        type=whole_number(_FEWEST_TIMES),
        metavar="N",
        help="run N times and compare the trades: is the strategy deterministic?",
    )
    parser.add_argument("--run-id", metavar="ID", help="id of the run (default: a new one)")
    parser.add_argument(
        "--trace-id", metavar="ID", help="id of the job in every system (default: the run id)"
    )
    add_holdings(parser)
    add_output(parser)
    add_logging(parser)


def _add_check(commands: Commands) -> None:
    parser = commands.add_parser(
        "check",
        help="check a run without starting it",
        description="Check configuration, strategy source, candles, market rules and engine "
        "without starting the run. The exit code is that of the first failed check.",
    )
    parser.set_defaults(module="check")
    add_run_arguments(parser)
    parser.add_argument(
        "--plan",
        action="store_true",
        help="print the engine's configuration and arguments, redacted",
    )
    parser.add_argument(
        "--on", metavar="URI", help="job runner whose resources and rights are checked too"
    )
    add_holdings(parser)
    add_output(parser)


def _add_doctor(commands: Commands) -> None:
    parser = commands.add_parser(
        "doctor",
        help="show every setting, its source, and installed versions",
        description="Show every setting with its source (values redacted), TRADAI_ variables that "
        "no setting reads, and the installed packages, backends and handlers.",
    )
    parser.set_defaults(module="doctor")
    add_output(parser)


def _add_completion(commands: Commands) -> None:
    parser = commands.add_parser(
        "completion",
        help="print a shell completion script",
        description="Print a script that completes commands, flags, run ids, sessions and keys of "
        'the configuration. For bash: eval "$(tradai-entrypoint completion bash)" in ~/.bashrc.',
    )
    parser.set_defaults(module="completion.script", program=PROGRAM)
    parser.add_argument("shell", choices=("bash", "zsh", "fish"), help="shell of the script")

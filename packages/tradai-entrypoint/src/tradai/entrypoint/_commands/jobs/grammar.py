"""Command-line grammar of `submit`, `sweep` and `jobs`; importing it imports no command."""

import argparse

from tradai.core import TradingMode
from tradai.entrypoint._commands.flags import (
    Commands,
    add_comparisons,
    add_inputs,
    add_limit,
    add_logging,
    add_output,
    add_run_arguments,
    add_verbs,
    add_words,
    whole_number,
)
from tradai.entrypoint._sweep.figures import FIGURES


def add_submit(commands: Commands) -> None:
    """Add the command `submit`."""
    parser = commands.add_parser(
        "submit",
        help="run a strategy as a job",
        description="Run a strategy as a job of a runner. It is followed to its end, and Ctrl-C "
        "stops it; with --detach it goes on by itself. On other runners than local: the "
        "configuration, the strategy and local candles are sent to the run store.",
    )
    parser.set_defaults(module="submit")
    add_run_arguments(parser)
    parser.add_argument("--job-id", metavar="ID", help="id of job and run (default: a new one)")
    parser.add_argument("--detach", action="store_true", help="return once the job is launched")
    _add_extras(parser)
    _add_runner(parser)
    add_output(parser)


def add_sweep(commands: Commands) -> None:
    """Add the command `sweep`."""
    parser = commands.add_parser(
        "sweep",
        help="run many backtests of a strategy and compare them",
        description="Run a backtest for each variant of a configuration, several at a time, and "
        "compare them in one table. Variants that were run before, on the same inputs, are not "
        "run again, so a sweep that was stopped goes on where it ended. On other runners than "
        "local: the inputs are sent to the run store, once for all runs.",
    )
    parser.set_defaults(module="sweep")
    add_run_arguments(parser, mode=TradingMode.BACKTEST)
    variants = parser.add_mutually_exclusive_group(required=True)
    variants.add_argument(
        "--vary",
        metavar="key=a,b,c",
        action="append",
        help="vary a value; several of them are combined",
    )
    variants.add_argument("--list", metavar="FILE", help="YAML list of variants")
    parser.add_argument(
        "--by",
        metavar="FIGURE",
        default="profit_percent",
        help=f"figure to compare by: {', '.join(FIGURES)} (default: profit_percent)",
    )
    parser.add_argument(
        "--walk-forward",
        metavar="90d/30d",
        help="run the variant that is best on the first range on the range after it",
    )
    add_limit(parser)
    parser.add_argument(
        "--sweeps",
        metavar="DIR",
        default=".tradai/sweeps",
        help="folder of sweeps (default: .tradai/sweeps)",
    )
    _add_extras(parser)
    _add_runner(parser)
    add_output(parser)
    add_logging(parser)


def add_compare(commands: Commands) -> None:
    """Add the command `compare`."""
    parser = commands.add_parser(
        "compare",
        help="run a backtest of each of several configurations and compare them",
        description="Run a backtest of each configuration, several at a time, and compare them in "
        "a table and a page, as `report RUN RUN` does. What was run before, on the same inputs, is "
        "not run again, so a comparison that was stopped goes on where it ended.",
    )
    parser.set_defaults(module="runs.compare", mode=TradingMode.BACKTEST.value)
    text = "strategy configurations (path or URI), and key=value overrides for all of them"
    add_words(parser, "configs", metavar="CONFIG", nargs="+", text=text)
    add_inputs(parser)
    add_limit(parser)
    add_comparisons(parser)
    add_output(parser)
    add_logging(parser)


def add_jobs(commands: Commands) -> None:
    """Add the commands `jobs`."""
    verbs = add_verbs(commands, "jobs", "list, show, follow, stop and reap jobs")
    listing = verbs.add_parser("list", help="list jobs by id")
    show = verbs.add_parser("show", help="show one job")
    logs = verbs.add_parser("logs", help="print the output of a job")
    logs.add_argument("-f", "--follow", action="store_true", help="go on until the job has ended")
    logs.add_argument(
        "--after", metavar="N", type=whole_number(0), default=0, help="leave out N lines"
    )
    stop = verbs.add_parser("stop", help="stop a job and wait for its end")
    stop.add_argument("--reason", default="jobs stop", help="reason, kept with the job")
    _add_reap(verbs)
    _add_exec(verbs)
    for name, verb in (("list", listing), ("show", show), ("logs", logs), ("stop", stop)):
        verb.set_defaults(module=f"jobs.{name}")
        if verb is not listing:
            verb.add_argument(
                "job", metavar="JOB", help="job id, a unique prefix of one, or a handle as JSON"
            )
        _add_runner(verb)
        add_output(verb)


def add_contain(commands: Commands) -> None:
    """Add the command `contain`."""
    parser = commands.add_parser(
        "contain",
        help="run a command as the first process of a container",
        description="Run a command as the first process of a container: number its lines, so that "
        "a reader can prove that it has all of them, pass signals on, and end with its exit code.",
    )
    parser.set_defaults(module="contain")
    parser.add_argument(
        "command", metavar="-- COMMAND", nargs=argparse.REMAINDER, help="program and arguments"
    )


def _add_reap(verbs: Commands) -> None:
    verb = verbs.add_parser(
        "reap",
        help="stop jobs that were left behind",
        description="List the jobs whose time limit and grace have passed and that still run, "
        "because the process that watched them is gone. With --yes they are stopped.",
    )
    verb.add_argument("--yes", action="store_true", help="stop them")
    verb.set_defaults(module="jobs.reap")
    _add_runner(verb)
    add_output(verb)


def _add_exec(verbs: Commands) -> None:
    """Add the verb that only job runners use; the help does not list it."""
    verb = verbs.add_parser("exec", description="Become the program that a job runner spilled.")
    verb.add_argument("uri", metavar="URI", help="object that is named after its SHA-256")
    verb.set_defaults(module="jobs.exec")


def _add_extras(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--image", metavar="IMAGE", help="image of a job in a container (TRADAI_JOB_IMAGE)"
    )
    parser.add_argument(
        "--env", metavar="NAME=VALUE", action="append", default=[], help="variable of each job"
    )
    parser.add_argument(
        "--secret",
        metavar="NAME=REFERENCE",
        action="append",
        default=[],
        help="variable of each job whose value is resolved at the launch, e.g. KEY=env:MY_KEY",
    )
    parser.add_argument(
        "--time-limit", metavar="SECONDS", type=whole_number(1), help="longest time of a job"
    )


def _add_runner(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--on", metavar="URI", default="local:", help="job runner (default: local:)"
    )

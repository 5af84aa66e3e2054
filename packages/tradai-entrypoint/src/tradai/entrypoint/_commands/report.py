"""`tradai-entrypoint report`: make the report of a run again, or compare several runs."""

import argparse
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from tradai.core import TradingMode
from tradai.core.exceptions import ConfigurationError, NotFoundError
from tradai.entrypoint._commands.console import print_json, print_table, print_text
from tradai.entrypoint._history.run_source import RunSource
from tradai.entrypoint._history.summaries import is_killed
from tradai.entrypoint._process.exit_codes import ExitCode, Verdict
from tradai.entrypoint._process.interrupts import Interrupts
from tradai.entrypoint._report.model import RunReportParts
from tradai.entrypoint._report.report_files import REPORT_NAME
from tradai.entrypoint._runs._bias.bias_checks import add_bias_notices
from tradai.entrypoint._runs.folder import RunFolder
from tradai.entrypoint._runs.record import RunManifest
from tradai.entrypoint._runs.report_file import write_report
from tradai.entrypoint._store.names import LATEST


def execute(args: argparse.Namespace, *, interrupts: Interrupts) -> int:
    """Make the report of one run again, or a comparison of several, and print its path."""
    with interrupts.raising():
        source = RunSource.of(args.runs, args.store, os.environ)
        folders = _folders(source, args.run)
        if len(folders) > 1:
            _check_comparable(args, folders)
            return compare_runs(folders, Path(args.comparisons), as_json=args.json)
        report = make_report(folders[0], data=args.data)
    if args.json:
        print_json({"report": str(report)})
    else:
        print_text(str(report))
    return 0


def _folders(source: RunSource, names: Sequence[str]) -> list[Path]:
    """Return the folder of each run; the latest one is found before others are copied here."""
    in_order = sorted(dict.fromkeys(names), key=lambda name: name != LATEST)
    found = {name: source.folder(name) for name in in_order}
    return [found[name] for name in names]


def _check_comparable(args: argparse.Namespace, folders: Sequence[Path]) -> None:
    """Check that the runs to compare are several.

    Raises:
        ConfigurationError: Two names are those of one run, or there is a flag for one run.
    """
    if args.data is not None:
        raise _data_error("several runs are named")
    names: dict[Path, str] = {}
    for name, folder in zip(args.run, map(Path.resolve, folders), strict=True):
        if folder in names:
            message = (
                f"{names[folder]!r} and {name!r} are both run {folder.name}: name each run once"
            )
            raise ConfigurationError(message, key="RUN")
        names[folder] = name


def _data_error(reason: str) -> ConfigurationError:
    message = f"--data shows the slippage of one dry-run, and {reason}: leave it out"
    return ConfigurationError(message, key="--data")


def make_report(folder: Path, *, data: str | None = None) -> Path:
    """Make the report of the run in `folder` again, and return its path.

    A note on standard error says that its candles compare nothing.

    Args:
        folder: Folder of the run.
        data: Candles of the time of a dry-run, for its slippage.

    Raises:
        NotFoundError: The run has not ended, or is gone.
        ConfigurationError: There are candles, and the run is no dry-run.
        StorageError: A file of the run cannot be read, or the disk refused.
    """
    from tradai.entrypoint.freqtrade import recorded_parts

    record, report = RunManifest.read(folder), folder / REPORT_NAME
    if record.ended_at is None or record.exit_code is None:
        how = "its process was killed" if is_killed(folder) else "it has not ended"
        message = f"run {record.run_id!r} has no report: {how}"
        raise NotFoundError(message, kind="report", key=str(report))
    if data is not None and record.mode is not TradingMode.DRY_RUN:
        raise _data_error(f"run {record.run_id} is none")
    add_bias_notices(folder.parent, record)
    parts = recorded_parts(folder, record, data=data)
    if parts is None and report.is_file():
        # A handler of another distribution may have laid out what cannot be made again here.
        return report
    if data is not None and not _has_slippage(parts):
        why = f"there was none, or the candles in {data} do not cover them"
        print_text(f"note: no fill of run {record.run_id} can be compared: {why}", is_error=True)
    verdict = Verdict(exit_code=ExitCode.of(record.exit_code), sentence=record.verdict or "")
    try:
        write_report(RunFolder(folder), record, verdict, ended_at=record.ended_at, parts=parts)
    except NotFoundError:
        # Another process may have removed the run: this says so.
        RunManifest.read(folder)
        raise
    return report


def _has_slippage(parts: RunReportParts | None) -> bool:
    """Return whether there is a fill that can be compared."""
    slippage = parts.numbers.get("slippage") if parts else None
    return isinstance(slippage, dict) and bool(slippage.get("pair"))


def compare_runs(
    folders: Sequence[Path],
    comparisons: Path,
    *,
    as_json: bool,
    names: Mapping[Path, str] = MappingProxyType({}),
) -> int:
    """Write the comparison of the runs in `folders` below `comparisons`, and print it.

    Args:
        folders: Folders of the runs.
        comparisons: Folder of comparisons.
        as_json: Whether it is printed as JSON.
        names: Names of runs by their folder; the others have their id.

    Raises:
        ValidationError: A run has not ended.
        StorageError: A file of a run cannot be read, or the disk refused.
    """
    from tradai.entrypoint._comparison.compared_run import ComparedRun
    from tradai.entrypoint._comparison.page import comparison_page
    from tradai.entrypoint._comparison.result import RunComparison

    comparison = RunComparison(
        tuple(ComparedRun.read(each, name=names.get(each)) for each in folders)
    )
    folder = comparisons / comparison.name
    comparison.write(folder, comparison_page(comparison, folder))
    if as_json:
        print_json({**comparison.to_json(), "folder": str(folder)})
        return 0
    print_table(("figure", *(each.name for each in comparison.runs)), comparison.rows())
    for caveat in (*comparison.notices, *comparison.caveats):
        print_text(f"note: {caveat}")
    print_text(f"report: {folder / REPORT_NAME}")
    return 0

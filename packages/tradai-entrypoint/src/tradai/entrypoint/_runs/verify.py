"""Run the same inputs several times, and tell whether the strategy is deterministic."""

from collections.abc import Callable
from typing import Final

from tradai.core import TradingMode
from tradai.core.exceptions import ConfigurationError
from tradai.entrypoint._process.exit_codes import ExitCode, Verdict
from tradai.entrypoint._process.progress import Progress
from tradai.entrypoint._report.model import RunReportParts
from tradai.entrypoint._runs.folder import RunFolder
from tradai.entrypoint._runs.record import RunManifest
from tradai.entrypoint._runs.report_file import write_report

_MODES: Final = (TradingMode.BACKTEST, TradingMode.TRAIN)


def require_verifiable(mode: TradingMode) -> None:
    """Check that runs of `mode` can be compared.

    Raises:
        ConfigurationError: They cannot.
    """
    if mode not in _MODES:
        modes = " or ".join(mode.value for mode in _MODES)
        raise ConfigurationError(
            f"--verify compares the trades of runs, and mode {mode.value!r} has none to compare: "
            f"use it with --mode {modes}",
            key="--verify",
        )


def verify_run(
    first: RunManifest,
    folder: RunFolder,
    *,
    parts: RunReportParts | None,
    times: int,
    repeat: Callable[[], Verdict],
    progress: Progress,
) -> Verdict:
    """Repeat a run that succeeded, and keep in its manifest and report the verdict on all runs.

    Args:
        first: Manifest of the run.
        folder: Folder of the run.
        parts: Content of its report.
        times: How often the inputs are run, the first time included.
        repeat: Repeats the run; its verdict is MISMATCH when the result differs.
        progress: Shows how many runs are done.

    Returns:
        The verdict on all runs, or that of a repetition that failed.

    Raises:
        ConfigurationError: The run recorded no digest of trades.
        StorageError: The manifest or the report cannot be written.
    """
    if "trades" not in first.digests:
        raise ConfigurationError(
            f"run {first.run_id} recorded no digest of trades, so --verify has nothing to compare",
            key="--verify",
        )
    progress.milestone(f"1 of {times} runs", detail=first.verdict or "")
    for number in range(2, times + 1):
        verdict = repeat()
        progress.milestone(f"{number} of {times} runs", detail=verdict.sentence)
        if verdict.exit_code is ExitCode.MISMATCH:
            sentence = (
                f"not deterministic: of {number} runs the last one differs: {verdict.sentence}"
            )
            verdict = Verdict(exit_code=ExitCode.MISMATCH, sentence=sentence)
            _keep(first, folder, verdict, runs=number, parts=parts)
        if not verdict.is_success:
            return verdict
    sentence = f"{first.verdict}; deterministic: {times} runs made the same trades"
    verdict = Verdict(exit_code=ExitCode.DONE, sentence=sentence)
    _keep(first, folder, verdict, runs=times, parts=parts)
    return verdict


def unverified(verdict: Verdict) -> Verdict:
    """Return the verdict on a first run that failed, which also says that it was not repeated."""
    sentence = f"{verdict.sentence}; --verify did not repeat it, because it did not succeed"
    return Verdict(exit_code=verdict.exit_code, sentence=sentence)


def _keep(
    first: RunManifest,
    folder: RunFolder,
    verdict: Verdict,
    *,
    runs: int,
    parts: RunReportParts | None,
) -> None:
    first.results |= {"deterministic": verdict.is_success, "verified_runs": runs}
    first.exit_code, first.verdict = int(verdict.exit_code), verdict.sentence
    folder.write_manifest(first)
    if first.ended_at is not None:
        write_report(folder, first, verdict, ended_at=first.ended_at, parts=parts)

"""The check of a candle folder."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, final

from tradai.core import file_errors
from tradai.core.exceptions import TradAIError
from tradai.entrypoint.freqtrade._datasets.data_file import (
    FUNDING_RATE,
    READ_KINDS,
    DataFile,
)
from tradai.entrypoint.freqtrade._datasets.findings import Effect, Finding, findings_in
from tradai.entrypoint.freqtrade._datasets.folder import CandleFolder, open_folder
from tradai.entrypoint.freqtrade._datasets.raw_series import RawSeries, read_raw

# Formats that a run reads from a flat folder.
_OF_RUNS: Final = ("feather", "parquet")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class DataCheck:
    """The result of checking a folder.

    Attributes:
        series: Number of files and folders of series.
        rows: Number of rows that could be read.
        findings: Findings by file.
    """

    series: int
    rows: int
    findings: tuple[Finding, ...]

    @property
    def faults(self) -> int:
        """Number of findings that have to be mended; the others are notes."""
        return sum(finding.effect.is_fault for finding in self.findings)


def check_series(data: str) -> DataCheck:
    """Check every row of every series in the folder `data`.

    Raises:
        NotFoundError: There is no such folder on this machine, or no series in it.
        StorageError: The disk refused to list it.
    """
    folder = open_folder(data)
    findings: list[Finding] = list(_stored_twice(folder))
    rows = 0
    for file in folder.files:
        raw = _read(file)
        if isinstance(raw, Finding):
            findings.append(raw)
            continue
        rows += len(raw.opened)
        findings += findings_in(raw, file, written=_written(file))
        findings += _of_format(file)
    return DataCheck(series=len(folder.files), rows=rows, findings=tuple(findings))


def _read(file: DataFile) -> RawSeries | Finding:
    try:
        return read_raw(file)
    except TradAIError as exc:
        return _finding(file, str(exc), Effect.REFUSED)


def _written(file: DataFile) -> datetime:
    with file_errors("read", file.path):
        return datetime.fromtimestamp(file.path.stat().st_mtime, tz=UTC)


def _of_format(file: DataFile) -> Iterator[Finding]:
    """Yield the finding for a series of a run in a format that no run reads."""
    if file.kind in READ_KINDS and "json" in file.file_format:
        yield _finding(file, f"it is {file.file_format}", Effect.NOT_READ)


def _stored_twice(folder: CandleFolder) -> Iterator[Finding]:
    """Yield the series of a run that have a file of each format that a run reads."""
    files = (each for each in folder.files if each.kind in READ_KINDS)
    read = [each for each in files if each.file_format in _OF_RUNS]
    counts = Counter(each.series for each in read)
    for file in read:
        if counts[file.series] > 1 and file.file_format == _OF_RUNS[-1]:
            problem = f"it is stored as {' and as '.join(_OF_RUNS)}: remove the stale file"
            # Of funding rates a run takes those in Parquet.
            effect = Effect.TRADED if file.kind == FUNDING_RATE else Effect.REFUSED
            yield _finding(file, problem, effect)


def _finding(file: DataFile, problem: str, effect: Effect) -> Finding:
    return Finding(series=file.series, path=file.path, problem=problem, effect=effect)

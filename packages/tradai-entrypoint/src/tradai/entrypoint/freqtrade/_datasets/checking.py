"""The check of a candle folder."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Final, final

from tradai.core import FileStore, file_errors
from tradai.core.exceptions import NotFoundError, StorageError, ValidationError
from tradai.entrypoint.freqtrade._candles.data_file import (
    FUNDING_RATE,
    READ_KINDS,
    DataFile,
)
from tradai.entrypoint.freqtrade._datasets.findings import Effect, Finding, findings_in, refusal
from tradai.entrypoint.freqtrade._datasets.folder import open_folder
from tradai.entrypoint.freqtrade._datasets.raw_series import RawSeries, read_raw

# Formats that a run reads from a flat folder.
_OF_RUNS: Final = ("feather", "parquet")
_CANDLE_KINDS: Final = tuple(kind for kind in READ_KINDS if kind != FUNDING_RATE)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class DataCheck:
    """The result of checking a folder.

    Attributes:
        series: Number of series, each once, in however many files.
        rows: Number of rows that could be read.
        findings: Findings by file.
        passed_over: Sentence on the entries of the folder that are no series; None without any.
    """

    series: int
    rows: int
    findings: tuple[Finding, ...]
    passed_over: str | None

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
    twice = folder.stored_twice()
    findings: list[Finding] = []
    digests: dict[Path, str] = {}
    rows = 0
    for file in folder.files:
        raw = _read(file)
        if isinstance(raw, Finding):
            findings.append(raw)
            continue
        rows += len(raw.opened)
        findings += findings_in(raw, file, written=_written(file))
        same_series = twice.get(file.series, ())
        if same_series:
            digests[file.path] = raw.digest()
        findings += _of_format(file, same_series)
    doubled = chain.from_iterable(_stored_twice(files, digests) for files in twice.values())
    series = len({file.series for file in folder.files})
    return DataCheck(
        series=series,
        rows=rows,
        findings=(*doubled, *findings),
        passed_over=folder.passed_over(),
    )


def _read(file: DataFile) -> RawSeries | Finding:
    try:
        raw = read_raw(file)
        if file.file_format in _OF_RUNS and file.kind in _CANDLE_KINDS:
            # The store that a run reads them from refuses a link that leads out of their folder.
            FileStore(file.path.parent).stat(file.path.absolute().as_uri())
    except (NotFoundError, StorageError, ValidationError) as exc:
        return _finding(file, str(exc), refusal(file))
    return raw


def _written(file: DataFile) -> datetime:
    with file_errors("read", file.path):
        return datetime.fromtimestamp(file.path.stat().st_mtime, tz=UTC)


def _of_format(file: DataFile, same_series: Iterable[DataFile]) -> Iterator[Finding]:
    """Yield the finding for a series of a run that is there only in formats that no run reads."""
    is_json = all("json" in each.file_format for each in (file, *same_series))
    if file.kind in READ_KINDS and is_json:
        yield _finding(file, f"it is {file.file_format}", Effect.NOT_READ)


def _stored_twice(files: Sequence[DataFile], digests: Mapping[Path, str]) -> Iterator[Finding]:
    """Yield a finding for each file of a series but the first."""
    first = files[0]
    for file in files[1:]:
        # A file that cannot be read has a finding of its own, and no digest.
        pair = {digests.get(first.path), digests.get(file.path)}
        rows = "" if None in pair else f"{'the same' if len(pair) == 1 else 'other'} rows"
        if first.kind in READ_KINDS and {first.file_format, file.file_format} == {*_OF_RUNS}:
            ways = f"it is stored as {' and as '.join(_OF_RUNS)}{rows and f', with {rows}'}"
            # Of funding rates a run takes those in Parquet.
            effect = Effect.TRADED if file.kind == FUNDING_RATE else Effect.REFUSED
            yield _finding(file, f"{ways}: remove the stale file", effect)
        elif rows:
            relation = "as" if len(pair) == 1 else "than"
            yield _finding(file, f"it has {rows} {relation} {first.path.name}", Effect.TWICE)


def _finding(file: DataFile, problem: str, effect: Effect) -> Finding:
    return Finding(series=file.series, path=file.path, problem=problem, effect=effect)

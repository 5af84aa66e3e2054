"""Write the report page of a run from its record."""

import shlex
from datetime import datetime

from tradai.entrypoint._process.exit_codes import Verdict
from tradai.entrypoint._report.data import report_data
from tradai.entrypoint._report.figures import FigureFormat
from tradai.entrypoint._report.formatting import time_range_text
from tradai.entrypoint._report.model import Figure, RunReport, RunReportParts
from tradai.entrypoint._report.page import render_report
from tradai.entrypoint._report.report_files import DATA_NAME, REPORT_NAME, write_into
from tradai.entrypoint._runs.folder import RunFolder
from tradai.entrypoint._runs.record import RunManifest
from tradai.entrypoint._store.names import BIAS, BIAS_MODE


def write_report(
    folder: RunFolder,
    record: RunManifest,
    verdict: Verdict,
    *,
    ended_at: datetime,
    parts: RunReportParts | None,
) -> None:
    """Write the report of a run into its `folder`, and the data of its mode's `parts` beside it.

    Raises:
        NotFoundError: The folder is gone.
        StorageError: They cannot be written; what was there stays as it was.
    """
    report = RunReport(
        run_id=record.run_id,
        mode=_mode(record),
        exit_code=int(verdict.exit_code),
        verdict=verdict.sentence,
        started_at=record.started_at,
        ended_at=ended_at,
        strategy=_text(record.config.get("name")),
        version=_text(record.config.get("version")),
        config_id=record.config_id,
        notices=tuple(record.notices),
        configuration=record.config,
        provenance=record.provenance,
        facts=_facts(record),
        parts=parts or _plain_parts(record),
    )
    data = {} if parts is None else {DATA_NAME: report_data(parts).encode()}
    write_into(folder.path, {REPORT_NAME: render_report(report).encode(), **data})


def _mode(record: RunManifest) -> str | None:
    if BIAS in record.results:
        return BIAS_MODE
    return record.mode.value if record.mode else None


def _plain_parts(record: RunManifest) -> RunReportParts | None:
    """Return the results as plain figures, for a mode that has no parts of its own."""
    shown, results = FigureFormat.of(record.results, record.config), record.results
    figures = (Figure(shown.label(name), shown.text(name, results[name])) for name in results)
    return RunReportParts(figures=tuple(figures)) if results else None


def _facts(record: RunManifest) -> tuple[Figure, ...]:
    facts = {
        "command": shlex.join(record.command),
        "trace id": record.trace_id,
        "repeats run": record.replay_of,
        "time range": _range(record.data.get("timerange")),
        "candles": _text(record.data.get("uri")),
        **{f"digest of {name}": value for name, value in sorted(record.digests.items())},
        **{f"version of {name}": value for name, value in sorted(record.versions.items())},
    }
    return tuple(Figure(label, value) for label, value in facts.items() if value)


def _range(value: object) -> str | None:
    return None if value is None else time_range_text(str(value))


def _text(value: object) -> str | None:
    return None if value is None else str(value)

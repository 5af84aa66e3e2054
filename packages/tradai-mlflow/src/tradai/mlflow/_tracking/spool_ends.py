"""Ends of the runs in a spool whose process is gone."""

from tradai.core import TrackedStatus
from tradai.mlflow._tracking.spool import Spool


def delivered_place(spool: Spool) -> str | None:
    """Return the address of a run that the server has whole; None when something waits."""
    places = [record.value["place"] for record, _ in spool.records() if record.kind == "delivered"]
    return places[-1] if places else None


def close_open_runs(spool: Spool) -> None:
    """Add an end to every run that has none: its process was killed, soon after its last record.

    Raises:
        StorageError: The disk refused.
    """
    is_open: dict[int, bool] = {}
    for record, _ in spool.records():
        is_open[record.run] = is_open.get(record.run, True) and record.kind != "end"
    end = {"status": TrackedStatus.KILLED, "at": spool.written_at_ms}
    for run in [run for run, waits in is_open.items() if waits]:
        spool.append("end", end, run=run)

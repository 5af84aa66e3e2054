"""Which run a piece of work belongs to, for every log line it writes."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

__all__ = ["current_context", "run_context"]

_RUN_ID: Final[ContextVar[str | None]] = ContextVar("run_id", default=None)
_TRACE_ID: Final[ContextVar[str | None]] = ContextVar("trace_id", default=None)


@contextmanager
def run_context(*, run_id: str | None = None, trace_id: str | None = None) -> Iterator[None]:
    """Put `run_id` and `trace_id` on every JSON log line written inside; None keeps what is set.

    Tasks inherit it. A thread starts without it: hand it ``contextvars.copy_context().run``.
    """
    outer_run, outer_trace = _RUN_ID.get(), _TRACE_ID.get()
    run_token = _RUN_ID.set(outer_run if run_id is None else run_id)
    trace_token = _TRACE_ID.set(outer_trace if trace_id is None else trace_id)
    try:
        yield
    finally:
        _TRACE_ID.reset(trace_token)
        _RUN_ID.reset(run_token)


def current_context() -> dict[str, str | None]:
    """Return the ids of the run that this piece of work belongs to; None outside of one."""
    return {"run_id": _RUN_ID.get(), "trace_id": _TRACE_ID.get()}

"""Run, trace and job id of the current work, for every log line it writes."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from typing import Final, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

# Of a log record; with an underscore, so that formatters of others leave it out.
IDS_ATTRIBUTE: Final = "_tradai_ids"

# Plain dictionaries, which are never changed, because a record may be sent to another process.
_NONE: Final[Mapping[str, str]] = {}
IDS: Final[ContextVar[Mapping[str, str]]] = ContextVar("ids", default=_NONE)


@contextmanager
def run_context(
    *, run_id: str | None = None, trace_id: str | None = None, job_id: str | None = None
) -> Iterator[None]:
    """Put these ids on every log line written inside; None keeps what is set.

    Tasks and ``asyncio.to_thread`` inherit them. A thread starts without them: `carry_context`.
    The ids belong to the moment of the log call, also when a queue or buffer writes the line later.
    """
    given = {"run_id": run_id, "trace_id": trace_id, "job_id": job_id}
    set_here = {name: value for name, value in given.items() if value is not None}
    before = IDS.get()
    here = {**before, **set_here}
    token = IDS.set(here)
    try:
        yield
    finally:
        try:
            IDS.reset(token)
        # Left in another context: an async generator that is closed late, or a test's fixture.
        except ValueError:
            if IDS.get() is here:
                IDS.set(before)


def carry_context(work: Callable[P, R]) -> Callable[P, R]:
    """Return `work` as a function that runs in the present context, whichever thread calls it.

    It may be called any number of times, also at once: each call has a copy of its own.

    >>> from concurrent.futures import ThreadPoolExecutor
    >>> from contextvars import ContextVar
    >>> desk = ContextVar("desk", default="none")
    >>> token = desk.set("spot")
    >>> with ThreadPoolExecutor() as pool:
    ...     list(pool.map(carry_context(lambda _: desk.get()), range(2)))
    ['spot', 'spot']
    """
    context = copy_context()

    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        return context.copy().run(work, *args, **kwargs)

    return run


def current_ids() -> Mapping[str, str]:
    """Return the ids of the run that this piece of work belongs to, by name; only those set."""
    return IDS.get()

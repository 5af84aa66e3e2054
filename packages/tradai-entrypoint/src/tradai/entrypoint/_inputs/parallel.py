"""Work on many objects at once, with a bound on their number and on the memory they take."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, ThreadPoolExecutor, wait
from threading import Event, Lock
from typing import Final, TypeVar

from tradai.core import carry_context

T = TypeVar("T")
R = TypeVar("R")

# Objects are in memory while they are read or written. A larger one is alone there.
_MOST_BYTES: Final = 256 * 1024 * 1024


def each_at_once(
    work: Callable[[T], R], items: Iterable[tuple[T, int]], *, most: int
) -> Iterator[R]:
    """Yield the results of `work` on each item, as they come; at most `most` at once.

    After an error or a signal nothing more is started, and what runs is waited for.

    Args:
        work: Called in threads; its errors are raised here.
        items: Each with the bytes it takes in memory.
        most: Largest number at once.
    """
    pending: dict[Future[R], int] = {}
    turn, stopped = Lock(), Event()

    def run(item: T) -> R:
        with turn:
            if stopped.is_set():
                raise CancelledError
        return work(item)

    with ThreadPoolExecutor(most) as pool:
        for item, size in items:
            while pending and _is_full(pending, size, most=most):
                yield from _results(pending)
            # A signal may end the start of a thread, which the pool does not wait for then.
            with turn:
                try:
                    pending[pool.submit(carry_context(run), item)] = size
                except BaseException:
                    stopped.set()
                    raise
        while pending:
            yield from _results(pending)


def _is_full(pending: dict[Future[R], int], size: int, *, most: int) -> bool:
    return len(pending) >= most or sum(pending.values()) + size > _MOST_BYTES


def _results(pending: dict[Future[R], int]) -> Iterator[R]:
    done, _ = wait(pending, return_when=FIRST_COMPLETED)
    for future in done:
        del pending[future]
        yield future.result()

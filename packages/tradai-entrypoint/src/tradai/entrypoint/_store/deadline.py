"""Calls of a store that end at a deadline."""

import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from contextvars import copy_context
from threading import Thread
from typing import Final, TypeVar

from tradai.core.exceptions import ExternalServiceError, TradAIError

SERVICE: Final = "run store"
_LOOK_S: Final = 0.05
_SLOWEST_BYTES_PER_S: Final = 1024 * 1024

T = TypeVar("T")


def transfer_s(timeout_s: float, size: int) -> float:
    """Return the seconds that a call may take which moves `size` bytes."""
    return timeout_s + size / _SLOWEST_BYTES_PER_S


def call_within(seconds: float, call: Callable[[], T]) -> T:
    """Return the result of `call`, made in a thread of its own.

    A call that takes longer is left behind: the store may still carry it out, and the process may
    end before that.

    Raises:
        TradAIError: The error that `call` raised.
        ExternalServiceError: It took longer than `seconds`, or raised an error of another type.
    """
    future: Future[T] = Future()
    run = copy_context().run
    Thread(target=run, args=(_settle, future, call), daemon=True, name="tradai-run-store").start()
    deadline = time.monotonic() + seconds
    # A handler of a signal runs only between two waits, when another thread got the signal.
    while not future.done() and time.monotonic() < deadline:
        wait([future], timeout=min(_LOOK_S, seconds))
    if not future.done():
        raise ExternalServiceError(
            f"the run store did not answer within {seconds:g} s",
            service=SERVICE,
            operation="call",
            retryable=True,
        )
    return future.result()


def _settle(future: "Future[T]", call: Callable[[], T]) -> None:
    try:
        future.set_result(call())
    except TradAIError as exc:
        future.set_exception(exc)
    # A store may be third-party code, and its crash must not end a run.
    except Exception as exc:  # noqa: BLE001
        error = ExternalServiceError(
            f"the run store failed with {type(exc).__name__}: {exc}",
            service=SERVICE,
            operation="call",
        )
        error.__cause__ = exc
        future.set_exception(error)

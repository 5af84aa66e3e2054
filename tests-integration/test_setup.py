"""The set-up of all tests, in the conftest.py of the repository."""

import inspect
import threading

import pytest


def test_a_barrier_that_a_thread_never_reaches_breaks_and_says_why() -> None:
    with pytest.raises(threading.BrokenBarrierError) as caught:
        threading.Barrier(2, timeout=0).wait()

    assert caught.value.__notes__ == ["Fewer than 2 threads came: one ended before, or waits."]


def test_a_barrier_breaks_by_itself() -> None:
    options = inspect.signature(threading.Barrier).parameters

    assert options["timeout"].default == 300

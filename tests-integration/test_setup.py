"""The set-up of all tests, in the conftest.py of the repository, and the ports of their servers."""

import inspect
import threading
from pathlib import Path

import pytest
from servers.process import free_port

PORTS_OF_THE_SYSTEM = Path("/proc/sys/net/ipv4/ip_local_port_range")


def test_a_barrier_that_a_thread_never_reaches_breaks_and_says_why() -> None:
    with pytest.raises(threading.BrokenBarrierError) as caught:
        threading.Barrier(2, timeout=0).wait()

    assert caught.value.__notes__ == ["Fewer than 2 threads came: one ended before, or waits."]


def test_a_barrier_breaks_by_itself() -> None:
    options = inspect.signature(threading.Barrier).parameters

    assert options["timeout"].default == 300


@pytest.mark.skipif(not PORTS_OF_THE_SYSTEM.exists(), reason="only Linux shows these ports")
def test_a_port_for_a_server_is_given_to_nobody_else_before_it_listens() -> None:
    ports = [free_port() for _ in range(50)]

    assert len(set(ports)) == 50
    assert max(ports) < int(PORTS_OF_THE_SYSTEM.read_text().split()[0])

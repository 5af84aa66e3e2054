"""A race of processes for one lease; run by the tests, and as a program, one of the processes.

``python lease_race.py URI TTL_S SEED ROUNDS LOG``: acquire, work, renew and release, or die, go to
sleep, or forget to renew. Each line of LOG is a holding: its token, when it was known, and when the
process has stopped believing in it, by the one clock of this machine.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

from tradai.core import Lease, SystemClock, lease_for
from tradai.core.exceptions import ExternalServiceError, LeaseHeldError, LeaseLostError

PROCESSES: Final = 4
CLOCK: Final = SystemClock()
# Goes on after the first signal: on a busy machine, that may come before the process has stopped.
_WAKER: Final = """
import os, signal, sys, time
time.sleep(float(sys.argv[2]))
while True:
    os.kill(int(sys.argv[1]), signal.SIGCONT)
    time.sleep(0.05)
"""


@dataclass(frozen=True, kw_only=True)
class Holding:
    """A time in which a process believed that it held the lease."""

    begin_s: float
    end_s: float
    token: int


def race(uri: str, folder: Path, *, ttl_s: float, rounds: int) -> list[Holding]:
    """Let four processes take the lease `rounds` times each; return the holdings in order."""
    processes = [
        subprocess.Popen(_command(uri, ttl_s, seed, rounds, folder / f"{seed}.jsonl"))
        for seed in range(PROCESSES)
    ]
    assert [process.wait(600) for process in processes] == [0] * PROCESSES
    logs = [folder / f"{seed}.jsonl" for seed in range(PROCESSES)]
    lines = [json.loads(line) for log in logs for line in log.read_text().splitlines()]
    return sorted((Holding(**line) for line in lines), key=lambda holding: holding.begin_s)


def check_holdings(holdings: list[Holding], *, rounds: int) -> None:
    """Check that no two overlap, and that tokens grow."""
    assert len(holdings) == PROCESSES * rounds
    for earlier, later in pairwise(holdings):
        assert earlier.end_s <= later.begin_s
        assert earlier.token < later.token


def _command(uri: str, ttl_s: float, seed: int, rounds: int, log: Path) -> list[str]:
    return [sys.executable, "-P", __file__, uri, *map(str, (ttl_s, seed, rounds, log))]


def main(arguments: list[str]) -> None:
    """Take part in a race."""
    uri, ttl_s, seed, rounds, log = arguments
    # Drawn for a test, not for cryptography.
    dice = random.Random(int(seed))  # noqa: S311
    done = 0
    while done < int(rounds):
        lease = lease_for(uri, holder=f"process {seed}", ttl_s=float(ttl_s))
        try:
            token = lease.acquire(wait_s=60)
        except (ExternalServiceError, LeaseHeldError, LeaseLostError):
            continue
        begin_s = CLOCK()
        if not lease.remaining_s:
            # Over before this process believed in it, as on a machine that stood still.
            continue
        end_s = _hold(lease, dice, begin_s=begin_s)
        done += 1
        with Path(log).open("a") as file:
            line = {"begin_s": begin_s, "end_s": end_s, "token": token}
            file.write(json.dumps(line) + "\n")


def _hold(lease: Lease, dice: random.Random, *, begin_s: float) -> float:
    """Work for a while; return when this process has stopped believing."""
    end_s = _end_of_belief(lease, begin_s)
    try:
        for _ in range(dice.randrange(4)):
            time.sleep(lease.ttl_s * dice.uniform(0, 0.4))
            lease.renew()
            end_s = _end_of_belief(lease, end_s)
        if dice.random() < 0.2:
            # Killed: nothing is released, and the belief ends by itself.
            return end_s
        if dice.random() < 0.2:
            _pause(lease.ttl_s * 1.5)
        lease.check()
        end_s = min(end_s, CLOCK())
        lease.release()
    except (ExternalServiceError, LeaseLostError):
        pass
    return end_s


def _end_of_belief(lease: Lease, earlier_s: float) -> float:
    """Return when the belief in `lease` ends; `earlier_s`, the end before, if it is over."""
    # The clock comes first: the machine may stand still between the two.
    now_s, left_s = CLOCK(), lease.remaining_s
    return now_s + left_s if left_s else earlier_s


def _pause(seconds: float) -> None:
    """Stop this process, as the machine may do; another process continues it."""
    with subprocess.Popen([sys.executable, "-Sc", _WAKER, str(os.getpid()), str(seconds)]) as waker:
        os.kill(os.getpid(), signal.SIGSTOP)
        waker.kill()


if __name__ == "__main__":
    main(sys.argv[1:])

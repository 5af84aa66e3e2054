"""Added CPU of a job of the local runner, against an empty Python process.

Both sides run the same empty program: ours as a job that is submitted and waited for, with its
supervisor and the time in this process; the other as a plain child process. Alternating rounds of
some jobs each, medians. ``uv run --frozen python scripts/bench/jobs.py [--rounds 15]``
"""

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from sweep import adopt_orphans, cpu_of_children, wait_for_orphans

from tradai.core import JobSpec, JobStatus
from tradai.entrypoint import LocalRunner

EMPTY: Final = (sys.executable, "-c", "pass")
JOBS: Final = 5
BOUND: Final = 5


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    adopt_orphans()
    with tempfile.TemporaryDirectory() as name:
        runner = LocalRunner(Path(name))
        # The first job imports what it needs.
        run_jobs(runner, "warm")
        pairs = [(run_empty(), run_jobs(runner, str(number))) for number in range(rounds)]
    added = statistics.median((ours - empty) / empty for empty, ours in pairs)
    empty_s, ours_s = (statistics.median(side) for side in zip(*pairs, strict=True))
    print("| an empty Python process | CPU ms | as a job of `local:`, CPU ms | added | bound |")
    print("|---|---:|---:|---:|---:|")
    print(
        f"| {JOBS} a round | {1000 * empty_s:.1f} | {1000 * ours_s:.1f} | {added:.2f}x | {BOUND}x |"
    )


def run_empty() -> float:
    """Run the empty programs; return the CPU seconds of one."""
    before = cpu_s()
    for _ in range(JOBS):
        subprocess.run(EMPTY, check=True)
    return (cpu_s() - before) / JOBS


def run_jobs(runner: LocalRunner, name: str) -> float:
    """Run the empty programs as jobs; return the CPU seconds of one."""
    before = cpu_s()
    for number in range(JOBS):
        handle = runner.submit(JobSpec(job_id=f"{name}-{number}", command=EMPTY))
        if runner.wait(handle).status is not JobStatus.COMPLETED:
            raise SystemExit(f"the job {handle.job_id} failed")
    wait_for_orphans()
    return (cpu_s() - before) / JOBS


def cpu_s() -> float:
    """Return the CPU seconds of this process and of all that it has waited for."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime + cpu_of_children()


if __name__ == "__main__":
    main()

"""Cost of an import against an empty program: CPU of whole processes, alternating, medians.

``uv run --frozen python scripts/bench/imports.py [--rounds 15]``
"""

import argparse
import os
import statistics
import subprocess
import sys
from pathlib import Path

BIN = Path(sys.executable).parent
EMPTY = "pass"
CASES = {
    "import tradai.common": 1.5,
    "import tradai.core.exceptions": 2.5,
    "from tradai.core import S3Path": 4.0,
}


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    print("| what | CPU ms | x empty | bound |")
    print("|---|---:|---:|---:|")
    for code, bound in CASES.items():
        pairs = [(cpu_s(python(EMPTY)), cpu_s(python(code))) for _ in range(rounds)]
        ratio = statistics.median(cost / empty for empty, cost in pairs)
        cost_s = statistics.median(cost for _, cost in pairs)
        print(f"| `{code}` | {1000 * cost_s:.1f} | {ratio:.2f} | {bound} |")
    command = [str(BIN / "tradai-entrypoint"), "--help"]
    cost_s = statistics.median(cpu_s(command) for _ in range(rounds))
    print(f"| `tradai-entrypoint --help` | {1000 * cost_s:.1f} | | 300 ms |")


def python(code: str) -> list[str]:
    """Return the command that runs `code`."""
    return [sys.executable, "-c", code]


def cpu_s(command: list[str]) -> float:
    """Run `command` and return its CPU seconds."""
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{command} ended with {child.returncode}")
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()

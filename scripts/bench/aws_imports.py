"""Cost of importing tradai.aws against ``import boto3``: CPU of whole processes, alternating.

Each import runs once before it is measured, so that Python has compiled its modules.

``uv run --frozen python scripts/bench/aws_imports.py [--rounds 15]``
"""

import argparse
import os
import statistics
import subprocess
import sys

EMPTY = "pass"
THEIRS = "import boto3"
BOUND = 0.25
CASES = {
    "import tradai.aws": BOUND,
    "import tradai.aws.ecr": BOUND,
    "from tradai.aws import AwsSettings, S3Store, client_for, load_config": None,
}


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    for code in (EMPTY, THEIRS, *CASES):
        cpu_s(code)
    print("| what | CPU ms | x `import boto3` | bound |")
    print("|---|---:|---:|---:|")
    empties = [cpu_s(EMPTY) for _ in range(rounds)]
    print(f"| an empty program | {1000 * statistics.median(empties):.1f} | | |")
    for code, bound in CASES.items():
        pairs = [(cpu_s(THEIRS), cpu_s(code)) for _ in range(rounds)]
        ratio = statistics.median(ours / theirs for theirs, ours in pairs)
        cost_s = statistics.median(ours for _, ours in pairs)
        theirs_s = statistics.median(theirs for theirs, _ in pairs)
        shown = f"| `{code}` | {1000 * cost_s:.1f} of {1000 * theirs_s:.1f} | {ratio:.2f} |"
        print(f"{shown} {bound or ''} |")


def cpu_s(code: str) -> float:
    """Run `code` in a new Python process and return the CPU seconds."""
    environ = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    child = subprocess.Popen([sys.executable, "-c", code], env=environ)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{code} ended with {child.returncode}")
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()

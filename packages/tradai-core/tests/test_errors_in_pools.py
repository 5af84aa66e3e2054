"""An error keeps the text of its cause, masked and short, on the way out of a process pool."""

import subprocess
import sys
from pathlib import Path

PROGRAM = """\
import multiprocessing
from concurrent.futures import ProcessPoolExecutor

from tradai.core import register_secret
from tradai.core.exceptions import ExternalServiceError

def fail(has_cause):
    register_secret("not-a-real-key-77")  # the parent never learns of it
    error = ExternalServiceError("refused", service="exchange", operation="login")
    if not has_cause:
        raise error
    raise error from OSError("login not-a-real-key-77 refused")

def fail_in_a_pool_of_its_own(has_cause):
    with spawn.Pool(1) as pool:
        pool.apply(fail, (has_cause,))

spawn = multiprocessing.get_context("spawn")

def error_of(call, *args):
    try:
        call(*args)
    except ExternalServiceError as exc:
        return exc.cause_text

if __name__ == "__main__":
    with ProcessPoolExecutor(1, mp_context=spawn) as executor, spawn.Pool(1) as pool:
        for has_cause in (True, False):
            print(repr(executor.submit(fail, has_cause).exception().cause_text))
            print(repr(error_of(pool.apply, fail, (has_cause,))))
        print(repr(executor.submit(fail_in_a_pool_of_its_own, True).exception().cause_text))
"""


def test_the_text_of_a_cause_is_the_same_after_any_pool_and_after_two(tmp_path: Path) -> None:
    program = tmp_path / "pools.py"
    program.write_text(PROGRAM)

    ended = subprocess.run(
        [sys.executable, program], check=True, capture_output=True, text=True, timeout=300
    )

    shown = "'OSError: login *** refused'"
    assert ended.stdout.splitlines() == [shown, shown, "''", "''", shown]

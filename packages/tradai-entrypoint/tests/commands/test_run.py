import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from tradai.entrypoint import ExitCode, RunManifest

# Runs on the terminal that is its standard input, until a signal.
ON_A_TERMINAL = """
    import fcntl, sys, termios
    from pathlib import Path
    from tradai.core import TradingMode
    from tradai.entrypoint import ExitCode, StrategyEntrypoint, Verdict, main

    @StrategyEntrypoint.register_handler(TradingMode.BACKTEST)
    class Waiting:
        def __init__(self, entrypoint):
            self.context = entrypoint.context

        def run(self):
            print("ready", flush=True)
            self.context.interrupts.wait(60)
            self.context.record.results["signal"] = self.context.interrupts.received
            ended = Verdict(exit_code=ExitCode.TERMINATED, sentence="ended in good order")
            return self.context.conclude(ended)

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    sys.exit(main())
"""


# Runs until a signal.
UNTIL_A_SIGNAL = ON_A_TERMINAL.replace("fcntl.ioctl(0, termios.TIOCSCTTY, 0)", "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_storm_of_signals_does_not_replace_the_exit_code(
    tmp_path: Path, config_file: Path, number: int
) -> None:
    command = ["run", str(config_file), "--mode", "backtest", "--runs", str(tmp_path / "runs")]
    with subprocess.Popen(
        [sys.executable, "-c", dedent(UNTIL_A_SIGNAL), *command, "--run-id", "run-1"],
        stdout=subprocess.PIPE,
    ) as running:
        assert running.stdout is not None
        while running.stdout.readline() != b"ready\n":
            assert running.poll() is None

        while not _has_ended(running):
            running.send_signal(number)

    manifest = RunManifest.read(tmp_path / "runs/run-1")
    assert running.returncode == manifest.exit_code == ExitCode.TERMINATED


def _has_ended(process: "subprocess.Popen[bytes]") -> bool:
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(0.001)
        return True
    return False


@pytest.mark.skipif(sys.platform != "linux", reason="a terminal is taken over as Linux has it")
def test_a_terminal_that_is_closed_ends_the_run_in_good_order(
    tmp_path: Path, config_file: Path
) -> None:
    outside, inside = os.openpty()
    command = ["run", str(config_file), "--mode", "backtest", "--runs", str(tmp_path / "runs")]
    with subprocess.Popen(
        [sys.executable, "-c", dedent(ON_A_TERMINAL), *command, "--run-id", "run-1"],
        stdin=inside,
        stdout=inside,
        stderr=inside,
        start_new_session=True,
    ) as running:
        os.close(inside)
        shown = b""
        while b"ready" not in shown:
            shown += os.read(outside, 4096)

        os.close(outside)

    manifest = RunManifest.read(tmp_path / "runs/run-1")
    assert running.returncode == manifest.exit_code == ExitCode.TERMINATED
    assert manifest.verdict == "ended in good order"
    assert manifest.results == {"signal": 1}

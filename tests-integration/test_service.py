"""Services in processes of their own, which real signals stop."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

PAGE: Final = "docs/how-to/write-a-service.md"
PROGRAM: Final = Path(__file__).with_name("demo_service.py")
PATIENCE_S: Final = 300
LONG_S: Final = 600.0
SHORT_S: Final = 0.2
CLOSED: Final = ["stopped", "closed second", "closed first"]

Child = subprocess.Popen[str]
Launch = Callable[[str, float], Child]


@pytest.fixture
def launch() -> Iterator[Launch]:
    children: list[tuple[Child, threading.Timer]] = []

    def start(name: str, drain_s: float) -> Child:
        child = subprocess.Popen(
            [sys.executable, PROGRAM, name, str(drain_s)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        watchdog = threading.Timer(PATIENCE_S, child.kill)
        watchdog.start()
        children.append((child, watchdog))
        return child

    yield start
    for child, watchdog in children:
        watchdog.cancel()
        child.kill()
        child.communicate()


def read_line(child: Child) -> str:
    assert child.stdout
    return child.stdout.readline().rstrip()


def wait_for_end(child: Child, text: str = "") -> tuple[int, list[str], list[dict[str, object]]]:
    """Wait until the child ends; return exit code, the rest of the output, and the log."""
    output, log = child.communicate(text, timeout=PATIENCE_S)
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    return child.returncode, output.splitlines(), lines


def states(log: list[dict[str, object]]) -> list[object]:
    return [line["state"] for line in log if line["message"] == "service state changed"]


@pytest.fixture
def page_samples(root: Path, tmp_path: Path) -> Path:
    """The files that the how-to page shows, each with the name in its first line."""
    shown = re.findall(r"```\w+\n# (\S+)\n(.*?)```", (root / PAGE).read_text(), re.DOTALL)
    for name, text in shown:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


@pytest.mark.parametrize("name", ["Drains", "AsyncDrains"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_the_service_finish_with_exit_code_0(
    launch: Launch, name: str, number: signal.Signals
) -> None:
    child = launch(name, LONG_S)
    assert read_line(child) == "serving"

    child.send_signal(number)
    code, output, log = wait_for_end(child)

    assert code == 0
    assert output == [f"draining, stopping: {number.name} asked to stop", *CLOSED]
    assert states(log) == ["starting", "running", "stopping", "stopped"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_one_signal_to_the_whole_group_is_one_for_a_service_with_forked_workers(
    launch: Launch, number: signal.Signals
) -> None:
    child = launch("HasForkedWorkers", LONG_S)
    assert read_line(child) == "serving"

    os.killpg(child.pid, number)
    code, output, _ = wait_for_end(child)

    assert code == 0
    assert output == [f"draining, stopping: {number.name} asked to stop", *CLOSED]


def test_signals_to_forked_workers_are_none_to_the_service(launch: Launch) -> None:
    code, output, log = wait_for_end(launch("EndsForkedWorkers", LONG_S))

    assert code == 0
    assert output == ["worker ended by 15, asked: False", *CLOSED]
    assert states(log) == ["starting", "running", "stopping", "stopped"]


def test_a_service_on_a_loop_with_a_signal_handler_of_its_own_still_stops(launch: Launch) -> None:
    child = launch("AsyncReloads", LONG_S)
    assert read_line(child) == "serving"

    child.send_signal(signal.SIGHUP)
    assert read_line(child) == "reloaded"
    child.terminate()
    code, output, _ = wait_for_end(child)

    assert code == 0
    assert output == ["draining, stopping: SIGTERM asked to stop", *CLOSED]


def test_a_signal_that_a_server_takes_and_raises_again_is_one(launch: Launch) -> None:
    child = launch("AsyncTakesSignals", LONG_S)
    assert read_line(child) == "serving"

    child.terminate()
    code, output, _ = wait_for_end(child)

    assert code == 0
    assert output == ["draining, stopping: SIGTERM asked to stop", *CLOSED]


@pytest.mark.parametrize("name", ["IgnoresStop", "AsyncIgnoresStop", "AsyncBlocksTheLoop"])
@pytest.mark.parametrize(("number", "expected"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_drain_that_takes_too_long_ends_the_process(
    launch: Launch, name: str, number: signal.Signals, expected: int
) -> None:
    child = launch(name, SHORT_S)
    assert read_line(child) == "serving"

    child.send_signal(number)
    code, output, log = wait_for_end(child)

    assert code == expected
    assert output == []
    assert states(log) == ["starting", "running", "stopping", "failed"]
    assert log[-1]["message"] == "service stopped hard, its resources were not closed"
    assert log[-1]["reason"] == "not done 0.2 s after it was asked to stop"
    assert log[-1]["exit_code"] == expected


def test_a_blocked_log_handler_does_not_delay_the_deadline(launch: Launch) -> None:
    child = launch("CannotLog", SHORT_S)
    assert read_line(child) == "serving"

    child.terminate()
    code, output, _ = wait_for_end(child)

    assert code == 143
    assert output == []


def test_a_stop_request_whose_log_line_blocks_has_a_deadline_too(launch: Launch) -> None:
    code, output, _ = wait_for_end(launch("CannotLogItsRequest", SHORT_S))

    assert code == 70
    assert output == []


def test_a_signal_during_start_stops_the_service_after_its_start(launch: Launch) -> None:
    child = launch("StartsSlowly", LONG_S)
    assert read_line(child) == "starting"

    child.terminate()
    assert child.stderr
    assert any("SIGTERM asked to stop" in line for line in child.stderr)
    code, output, log = wait_for_end(child, "go on\n")

    assert code == 0
    assert output == CLOSED
    assert states(log) == ["stopped"]


def test_a_start_that_hangs_is_ended_too(launch: Launch) -> None:
    child = launch("StartNeverEnds", SHORT_S)
    assert read_line(child) == "starting"

    child.terminate()
    code, _, log = wait_for_end(child)

    assert code == 143
    assert states(log) == ["starting", "stopping", "failed"]


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_the_process_at_once(launch: Launch, second: signal.Signals) -> None:
    child = launch("DrainNeverEnds", LONG_S)
    assert read_line(child) == "serving"

    child.terminate()
    assert read_line(child).startswith("draining")
    child.send_signal(second)
    code, output, log = wait_for_end(child)

    assert code == 143
    assert output == []
    assert log[-1]["reason"] == "a second signal arrived"


def test_a_failed_stop_is_an_error_after_all_resources_are_closed(launch: Launch) -> None:
    child = launch("CannotStop", LONG_S)
    assert read_line(child) == "serving"

    child.terminate()
    assert child.stderr
    log = child.stderr.read()
    child.wait(PATIENCE_S)

    assert child.returncode == 1
    assert read_line(child).startswith("draining")
    assert [read_line(child), read_line(child)] == ["closed second", "closed first"]
    assert "RuntimeError: not flushed" in log.splitlines()[-1]
    assert '"state":"failed"' in log.replace(" ", "")


def test_a_drain_without_a_signal_ends_with_a_code_of_its_own(launch: Launch) -> None:
    code, _, log = wait_for_end(launch("StopsItself", SHORT_S))

    assert code == 70
    assert states(log) == ["starting", "running", "stopping", "failed"]


@pytest.mark.parametrize(
    ("command", "first", "rest"),
    [
        (["service.py", "feed.host=localhost"], "connected to localhost", ["left localhost"]),
        (["async_service.py"], "tick", []),
    ],
)
def test_the_services_of_the_page_run_and_stop(
    page_samples: Path, command: list[str], first: str, rest: list[str]
) -> None:
    with subprocess.Popen(
        [sys.executable, *command], cwd=page_samples, stdout=subprocess.PIPE, text=True
    ) as child:
        assert read_line(child) == first
        child.terminate()
        output, _ = child.communicate(timeout=PATIENCE_S)

    assert child.returncode == 0
    assert output.splitlines() == rest


def test_the_tree_of_the_page_is_composed(page_samples: Path) -> None:
    done = subprocess.run(
        [sys.executable, "compose.py"], cwd=page_samples, capture_output=True, text=True, check=True
    )

    assert done.stdout == "5432\n"

"""The first process of a container numbers every line, and loses none."""

import fcntl
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given, settings, strategies as st

from tradai.core import FileJournal, JobLog, LogSummary
from tradai.entrypoint._jobs import contain

PROGRAM = [sys.executable, "-I", "-S", contain.__file__, "--"]
# Docker cuts a line of a container at 16 KiB.
DOCKER_BYTES = 16 * 1024
LONG_S = 120
STANDARD_SIGNALS = (1 << 31) - 1


def read(output: bytes) -> tuple[list[str], LogSummary]:
    log = JobLog()
    lines = [line.text for text in texts(output) for line in log.add(text)]
    return lines, log.summary()


def texts(output: bytes) -> list[str]:
    return output.decode(errors="replace").removesuffix("\n").split("\n")


def contained(*command: str, **variables: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [*PROGRAM, *command],
        stdout=subprocess.PIPE,
        env={**os.environ, **variables},
        check=False,
        timeout=LONG_S,
    )


def shell(script: str, **variables: str) -> "subprocess.CompletedProcess[bytes]":
    return contained("sh", "-c", script, **variables)


def numbered(chunks: Sequence[bytes], *, most_bytes: int | None = None) -> bytes:
    numbering = contain.Numbering("0badcafe", most_bytes=most_bytes)
    for chunk in chunks:
        numbering.add(chunk)
    numbering.end()
    return bytes(numbering.records)


def printed(output: bytes) -> bytes:
    """Return the bytes that were numbered."""
    records = [
        re.fullmatch(rb"\w{8}:\d+([ +])(.*)", line, re.DOTALL) for line in output.split(b"\n")
    ]
    return b"".join(r[2] + (b"\n" if r[1] == b" " else b"") for r in records if r)


@given(chunks=st.lists(st.one_of(st.binary(max_size=50), st.just(b"\n"), st.just(b"x" * 20_000))))
@settings(deadline=None, max_examples=100)
def test_every_byte_is_numbered_once(chunks: list[bytes]) -> None:
    whole = b"".join(chunks)

    output = numbered(chunks)

    assert printed(output) == whole + (b"" if whole.endswith(b"\n") or not whole else b"\n")
    assert read(output)[1].complete


def test_no_record_is_so_long_that_docker_cuts_it() -> None:
    output = numbered([b"x" * 100_000, b"\n", b"y" * DOCKER_BYTES])

    assert max(map(len, output.split(b"\n"))) < DOCKER_BYTES
    lines, summary = read(output)
    assert "".join(lines) == "x" * 100_000 + "y" * DOCKER_BYTES
    assert summary.complete


@pytest.mark.parametrize("offset", range(4))
def test_a_long_line_is_cut_between_characters(offset: int) -> None:
    text = "a" * offset + "\N{GRINNING FACE}" * 10_000

    lines, _ = read(numbered([text.encode()]))

    assert "".join(lines) == text


def test_a_full_buffer_leaves_lines_out_and_their_numbers_show_it() -> None:
    numbering = contain.Numbering("0badcafe", most_bytes=60)
    for number in range(1, 10):
        numbering.add(b"line %d\n" % number)
    numbering.records.clear()
    numbering.add(b"line 10\n")
    numbering.end()

    _, summary = read(b"0badcafe:0!tradai-log 1\n0badcafe:1 line 1\n" + numbering.records)

    assert summary == LogSummary(complete=False, expected=10, seen=2, gaps=((2, 9),))


def test_both_streams_are_numbered_in_order() -> None:
    done = shell("echo one; echo two >&2; echo three; printf four")

    assert read(done.stdout) == (
        ["one", "two", "three", "four"],
        LogSummary(complete=True, expected=4, seen=4),
    )


def test_printed_markers_are_text() -> None:
    first = shell("echo one")
    done = contained("printf", "%s", first.stdout.decode())

    assert read(done.stdout)[0] == texts(first.stdout)


@pytest.mark.parametrize(
    ("script", "code"), [("exit 0", 0), ("exit 7", 7), ("kill -9 $$", 137), ("kill -TERM $$", 143)]
)
def test_the_exit_code_is_that_of_the_command(script: str, code: int) -> None:
    assert shell(script).returncode == code


def test_a_program_that_does_not_exist_is_named_without_its_arguments(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("no program")

    missing = contained("no-such-program", "fake-argument")
    forbidden = contained(str(tmp_path / "data"), "fake-argument")

    assert (missing.returncode, forbidden.returncode) == (127, 126)
    for done in (missing, forbidden):
        (line,), summary = read(done.stdout)
        assert line.startswith("contain: the program")
        assert "fake-argument" not in line
        assert summary.complete


@pytest.mark.parametrize("arguments", [[], ["--"]])
def test_without_a_command_the_usage_is_said(arguments: list[str]) -> None:
    done = subprocess.run([*PROGRAM[:-1], *arguments], capture_output=True, check=False)

    assert (done.returncode, done.stdout) == (2, b"")
    assert b"there is no command" in done.stderr


def test_an_unknown_delivery_is_refused() -> None:
    done = subprocess.run(
        [*PROGRAM, "true"],
        capture_output=True,
        env={**os.environ, contain.DELIVERY: "sometimes"},
        check=False,
    )

    assert done.returncode == 78
    assert b"TRADAI_LOG_DELIVERY must be blocking or non-blocking" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signals_reach_the_whole_group(number: signal.Signals) -> None:
    # The inner shell says that it is ready, so that both have their traps by then.
    script = (
        "trap 'echo outer; exit 9' TERM INT HUP;"
        " (trap 'echo inner; exit 0' TERM INT HUP; echo ready; while :; do sleep 0.01; done) &"
        " while :; do sleep 0.01; done"
    )
    with subprocess.Popen([*PROGRAM, "bash", "-c", script], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        first = process.stdout.readline() + process.stdout.readline()
        process.send_signal(number)
        rest, _ = process.communicate(timeout=LONG_S)

    lines, summary = read(first + rest)
    assert process.returncode == 9
    assert lines[0] == "ready"
    assert "outer" in lines
    assert summary.complete


def test_a_program_starts_with_the_signals_of_a_fresh_process() -> None:
    look = ("grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status")

    masks = [int(line.split(":")[1], 16) for line in read(contained(*look).stdout)[0]]

    # It ignores what this process ignores, except for the signals that are passed on to it. The
    # signals from 32 on are those of the C library and real-time ones.
    fresh = subprocess.run(look, stdout=subprocess.PIPE, check=True, text=True).stdout
    passed_on = sum(1 << number - 1 for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM))
    ignored_here = int(fresh.splitlines()[1].split(":")[1], 16) & ~passed_on
    assert [mask & STANDARD_SIGNALS for mask in masks] == [0, ignored_here & STANDARD_SIGNALS]


def test_what_the_command_leaves_behind_does_not_keep_the_container() -> None:
    done = shell("sleep 600 & setsid sleep 5 & echo started")

    assert read(done.stdout) == (["started"], LogSummary(complete=True, expected=1, seen=1))


def test_what_is_left_of_the_group_is_killed(tmp_path: Path) -> None:
    held = tmp_path / "held"
    os.mkfifo(held)
    reader = os.open(held, os.O_RDONLY | os.O_NONBLOCK)

    shell(f"sleep 600 > {held} 2>&1 & echo started")

    # The end of the file comes when no process holds it.
    os.set_blocking(reader, True)
    assert os.read(reader, 1) == b""
    os.close(reader)


def test_a_process_that_prints_on_and_on_does_not_keep_the_container() -> None:
    done = shell("setsid sh -c 'while kill -0 '$PPID'; do echo more; done' & echo started")

    assert done.returncode == 0
    assert read(done.stdout)[1].complete


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has namespaces of processes")
def test_as_the_first_process_of_a_container_it_reaps_orphans_and_stops(tmp_path: Path) -> None:
    isolated = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc"]
    if subprocess.run([*isolated, "true"], capture_output=True, check=False).returncode:
        pytest.skip("namespaces are not allowed here")
    script = (
        # An orphan that ends is a zombie until the first process waits for it.
        "echo $PPID; (sleep 0.01 & ); sleep 0.2; grep -l '^State:.Z' /proc/[0-9]*/status;"
        " trap 'echo stopping; exit 4' TERM; kill -TERM 1; sleep 600 & wait"
    )

    done = subprocess.run(
        [*isolated, *PROGRAM, "sh", "-c", script],
        stdout=subprocess.PIPE,
        check=False,
        timeout=LONG_S,
        cwd=tmp_path,
    )

    assert (done.returncode, read(done.stdout)[0]) == (4, ["1", "stopping"])


# A supervisor of an engine that is killed, beside a watchdog whose exchange cannot be reached.
SUPERVISOR = """
    import os, signal, subprocess, sys
    from pathlib import Path
    from tradai.core import Secret
    from tradai.entrypoint._live._account.account import ApiKeys
    from tradai.entrypoint._live.watchdog import EntryAccount, Watchdog, WatchdogTimes

    engine = subprocess.Popen(["sleep", "600"], start_new_session=True)
    keys = ApiKeys(key=Secret("FakeTrader" * 6), secret=Secret("NotASecret" * 6))
    account = EntryAccount(
        exchange="binance", base_url="http://127.0.0.1:9", keys=keys, prefix="x-0123456789ab")
    times = WatchdogTimes(settle_s=0, cancel_s=1)
    watchdog = Watchdog.start(engine.pid, account=account, log=Path(sys.argv[1]), times=times)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has namespaces of processes")
def test_a_container_does_not_end_before_the_watchdog_of_a_killed_session(tmp_path: Path) -> None:
    isolated = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc"]
    if subprocess.run([*isolated, "true"], capture_output=True, check=False).returncode:
        pytest.skip("namespaces are not allowed here")
    log = tmp_path / "watchdog.jsonl"
    command = [*isolated, *PROGRAM, sys.executable, "-c", dedent(SUPERVISOR), str(log)]

    done = subprocess.run(command, capture_output=True, check=False, timeout=LONG_S)

    assert done.returncode == 128 + signal.SIGKILL, done.stderr
    events = [entry.event for entry in FileJournal(log).entries()]
    assert (events[0], events[-1]) == ("engine killed", "entries unknown or left")


def test_a_command_that_closes_its_output_is_waited_for() -> None:
    done = shell("echo one; exec >&- 2>&-; sleep 0.2; exit 5")

    assert done.returncode == 5
    assert read(done.stdout)[1].complete


def test_a_reader_that_is_gone_does_not_end_the_command(tmp_path: Path) -> None:
    script = (
        f"while [ ! -e {tmp_path}/gone ]; do sleep 0.01; done; seq 1 50000; echo > {tmp_path}/end"
    )
    with subprocess.Popen([*PROGRAM, "sh", "-c", script], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.close()
        (tmp_path / "gone").touch()

        assert process.wait(LONG_S) == 0

    assert (tmp_path / "end").exists()


def test_without_standard_output_the_command_runs(tmp_path: Path) -> None:
    line = f"exec {' '.join(PROGRAM)} sh -c 'echo one; echo > {tmp_path}/end' >&-"

    done = subprocess.run(["/bin/sh", "-c", line], check=False, timeout=LONG_S)

    assert done.returncode == 0
    assert (tmp_path / "end").exists()


@pytest.fixture
def stalled() -> Iterator[tuple[int, int]]:
    """A pipe that is as small as it can be, and that nothing reads."""
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    yield reader, writer
    os.close(reader)


def start(script: str, writer: int, **variables: str) -> "subprocess.Popen[bytes]":
    process = subprocess.Popen(
        [*PROGRAM, "bash", "-c", script], stdout=writer, env={**os.environ, **variables}
    )
    os.close(writer)
    return process


def test_a_command_does_not_wait_for_a_slow_reader_unless_it_is_to(
    stalled: tuple[int, int], tmp_path: Path
) -> None:
    reader, writer = stalled
    script = f"for i in {{1..40}}; do printf '%0200000d\\n' $i; done; echo > {tmp_path}/end"
    os.mkfifo(tmp_path / "end")
    process = start(script, writer, TRADAI_LOG_DELIVERY="non-blocking")

    # It ends although nothing was read, and only then is the log taken.
    assert (tmp_path / "end").read_text() == "\n"
    with os.fdopen(reader, "rb", closefd=False) as file:
        output = file.read()

    assert process.wait(LONG_S) == 0
    _, summary = read(output)
    assert summary.expected == 40 * -(-200_000 // contain.LONGEST_PIECE)
    assert summary.gaps
    assert summary.seen + sum(last - first + 1 for first, last in summary.gaps) == summary.expected


def test_a_command_waits_for_a_slow_reader_and_loses_nothing(
    stalled: tuple[int, int], tmp_path: Path
) -> None:
    reader, writer = stalled
    process = start(f"seq 1 100000; echo > {tmp_path}/end", writer)
    with os.fdopen(reader, "rb", closefd=False) as file:
        first = file.readline()
        # It cannot have printed all of its lines into two pipes and a buffer.
        assert not (tmp_path / "end").exists()
        output = first + file.read()

    assert process.wait(LONG_S) == 0
    assert read(output) == (
        [str(n) for n in range(1, 100_001)],
        LogSummary(complete=True, expected=100_000, seen=100_000),
    )


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., bytes]]:
    """Run a script as the container does, but in this process."""
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
    former = {number: signal.getsignal(number) for number in numbers}
    reader, writer = os.pipe()
    monkeypatch.setattr(contain, "_OUTPUT", writer)

    def run(script: str, *, is_blocking: bool) -> bytes:
        contain.Container(["bash", "-c", script], is_blocking=is_blocking).run()
        os.set_blocking(reader, False)
        return os.read(reader, 60_000)

    yield run
    signal.set_wakeup_fd(-1)
    for number, handler in former.items():
        signal.signal(number, handler)
    os.close(reader)
    os.close(writer)


@pytest.mark.parametrize("is_blocking", [True, False])
def test_a_container_takes_its_command_from_start_to_end(
    in_this_process: Callable[..., bytes], *, is_blocking: bool
) -> None:
    output = in_this_process(
        "echo one; (setsid sleep 0.1 &); kill -TERM $PPID; sleep 600", is_blocking=is_blocking
    )

    assert read(output) == (["one"], LogSummary(complete=True, expected=1, seen=1))


def test_a_signal_that_comes_before_the_command_has_its_group_ends_it(
    in_this_process: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    held, forwarded = os.pipe()
    new_session, signal_group = os.setsid, os.killpg

    def hold() -> None:
        os.read(held, 1)
        new_session()

    def note(group: int, number: int) -> None:
        try:
            signal_group(group, number)
        finally:
            os.write(forwarded, b"1")

    monkeypatch.setattr(os, "setsid", hold)
    monkeypatch.setattr(os, "killpg", note)
    # It is pending when the command is about to start, as after `tradai-entrypoint contain`.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    # To this thread: another one, such as those of pytest-xdist, would take it at once.
    signal.pthread_kill(threading.get_ident(), signal.SIGTERM)

    output = in_this_process("echo started", is_blocking=True)

    assert read(output) == ([], LogSummary(complete=True, expected=0, seen=0))


def test_without_input_and_output_the_command_has_both_streams(tmp_path: Path) -> None:
    script = f"echo one && echo two >&2 && echo > {tmp_path}/end"
    line = f"exec {' '.join(PROGRAM)} sh -c '{script}' <&- >&-"

    subprocess.run(["/bin/sh", "-c", line], check=False, timeout=LONG_S)

    assert (tmp_path / "end").exists()


def test_a_slow_reader_is_left_behind_in_the_end(
    in_this_process: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contain, "_LAST_WRITE_S", 0.01)

    _, summary = read(in_this_process("seq 1 100000", is_blocking=False))

    assert not summary.complete


def test_a_storm_of_signals_does_not_replace_the_code_of_the_command() -> None:
    script = "trap 'exit 7' TERM; echo ready; while :; do :; done"
    with subprocess.Popen([*PROGRAM, "sh", "-c", script], stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        while b"ready" not in running.stdout.readline():
            assert running.poll() is None

        code = None
        while code is None:
            running.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                code = running.wait(0.001)

    assert code == 7

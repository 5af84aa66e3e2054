"""The watchdog as a real process beside an engine that only sleeps, in a group of its own.

It has no place in the door before a command uses it.
"""

import os
import signal
import subprocess
import sys
import textwrap
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from pathlib import Path
from typing import Final

import pytest

from tradai.core import FileJournal, Secret
from tradai.core.exceptions import TradingError
from tradai.entrypoint._live._account.account import ApiKeys
from tradai.entrypoint._live.watchdog import EntryAccount, Watchdog, WatchdogTimes
from tradai.entrypoint._process.interrupts import Interrupts
from tradai.entrypoint.freqtrade._engine.exits import WakeReason
from tradai.entrypoint.freqtrade._engine.process import EngineProcess

Eventually = Callable[[Callable[[], bool]], bool]

KEY: Final = "FakeKeyOfNoAccount" * 3
SECRET: Final = "NotASecretOfAnyone" * 3
# Nothing listens there, so the watchdog finds out nothing about entries, and says so.
ACCOUNT: Final = EntryAccount(
    exchange="binance",
    base_url="http://127.0.0.1:9",
    keys=ApiKeys(key=Secret(KEY), secret=Secret(SECRET)),
    prefix="x-0123456789ab",
)
TIMES: Final = WatchdogTimes(first_feed_s=60.0, settle_s=0.0, cancel_s=0.0)
HOUR_S: Final = 3_600.0


@pytest.fixture
def engine() -> Iterator["subprocess.Popen[bytes]"]:
    """A process that sleeps and leads a group."""
    with subprocess.Popen(
        [sys.executable, "-S", "-c", "import time; time.sleep(600)"], start_new_session=True
    ) as process:
        yield process
        process.kill()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Log of the watchdog."""
    return tmp_path / "watchdog.jsonl"


@pytest.fixture
def watchdog(engine: "subprocess.Popen[bytes]", log: Path) -> Iterator[Watchdog]:
    """A watchdog that was not fed yet."""
    with Watchdog.start(engine.pid, account=ACCOUNT, log=log, times=TIMES) as started:
        yield started


def _events(log: Path) -> list[str]:
    return [entry.event for entry in FileJournal(log).entries()]


def _why(log: Path) -> object:
    return next(iter(FileJournal(log).entries())).facts["why"]


def test_a_watchdog_that_is_fed_stands_down_after_the_engine_and_has_done_nothing(
    engine: "subprocess.Popen[bytes]", watchdog: Watchdog
) -> None:
    watchdog.feed(HOUR_S)
    assert watchdog.is_alive
    engine.kill()
    engine.wait()

    has_stood_down = watchdog.stand_down()

    assert has_stood_down
    assert not watchdog.has_acted


def test_a_lease_that_is_not_sure_any_more_ends_the_engine(
    engine: "subprocess.Popen[bytes]", watchdog: Watchdog, log: Path, eventually: Eventually
) -> None:
    watchdog.feed(HOUR_S)

    watchdog.feed(0.0)

    assert engine.wait(60) == -signal.SIGKILL
    assert eventually(lambda: not watchdog.is_alive)
    assert _events(log) == ["engine killed", "entries unknown or left"]
    assert _why(log) == "the lease was not renewed in time"
    assert not watchdog.stand_down()


def test_an_engine_is_ended_when_its_watchdog_is_never_fed(
    engine: "subprocess.Popen[bytes]", log: Path
) -> None:
    times = WatchdogTimes(first_feed_s=0.0, settle_s=0.0, cancel_s=0.0)

    with Watchdog.start(engine.pid, account=ACCOUNT, log=log, times=times):
        code = engine.wait(60)

    assert code == -signal.SIGKILL


def test_leaving_without_a_word_ends_the_engine(
    engine: "subprocess.Popen[bytes]", log: Path
) -> None:
    with Watchdog.start(engine.pid, account=ACCOUNT, log=log, times=TIMES):
        pass

    assert engine.wait(60) == -signal.SIGKILL


def test_the_whole_group_of_the_engine_is_ended(log: Path, eventually: Eventually) -> None:
    program = ["sh", "-c", "sleep 600 & echo $!; wait"]
    with subprocess.Popen(program, stdout=subprocess.PIPE, start_new_session=True) as engine:
        assert engine.stdout is not None
        worker = int(engine.stdout.readline())

        with Watchdog.start(engine.pid, account=ACCOUNT, log=log, times=TIMES) as watchdog:
            watchdog.feed(0.0)
            engine.wait(60)

        assert eventually(lambda: not _lives(worker))


def test_a_watchdog_does_not_stand_down_while_the_engine_runs(
    engine: "subprocess.Popen[bytes]", watchdog: Watchdog
) -> None:
    watchdog.feed(HOUR_S)

    with pytest.raises(TradingError, match="the engine still runs") as caught:
        watchdog.stand_down()

    assert caught.value.reason == "engine_running"
    assert watchdog.is_alive
    assert engine.poll() is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_that_ends_other_programs_does_not_end_the_watch(
    engine: "subprocess.Popen[bytes]", watchdog: Watchdog, number: int
) -> None:
    os.kill(watchdog.pid, number)

    watchdog.feed(0.0)

    assert engine.wait(60) == -signal.SIGKILL


def test_it_has_a_session_of_its_own(watchdog: Watchdog) -> None:
    assert os.getsid(watchdog.pid) == os.getpgid(watchdog.pid) == watchdog.pid


def test_keys_are_neither_in_its_arguments_nor_in_its_environment(
    engine: "subprocess.Popen[bytes]", log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXCHANGE_SECRET", SECRET)
    monkeypatch.setenv("_TRADAI_CHILD", "the mark of a child that is ended with its parent")

    with Watchdog.start(engine.pid, account=ACCOUNT, log=log, times=TIMES) as watchdog:
        shown = [
            Path(f"/proc/{watchdog.pid}/{name}").read_bytes() for name in ("cmdline", "environ")
        ]

    assert b"watchdog" in shown[0]
    assert b"PATH=" in shown[1]
    assert not [text for text in shown if KEY.encode() in text or SECRET.encode() in text]
    assert b"_TRADAI_CHILD" not in shown[1]


def test_no_code_of_the_environment_runs_in_the_process_that_has_the_keys(
    engine: "subprocess.Popen[bytes]", log: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    mark = tmp_path / "it ran"
    (tmp_path / "sitecustomize.py").write_text(f"open({str(mark)!r}, 'w').close()\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PYTHONSTARTUP", str(tmp_path / "sitecustomize.py"))

    with Watchdog.start(engine.pid, account=ACCOUNT, log=log, times=TIMES) as watchdog:
        environment = Path(f"/proc/{watchdog.pid}/environ").read_bytes()

    assert str(tmp_path).encode() not in environment
    assert not mark.exists()


def test_a_watchdog_that_was_killed_is_noticed_by_the_next_feed(watchdog: Watchdog) -> None:
    os.kill(watchdog.pid, signal.SIGKILL)
    os.waitid(os.P_PID, watchdog.pid, os.WEXITED | os.WNOWAIT)

    with pytest.raises(TradingError, match="has ended or is stuck") as caught:
        watchdog.feed(HOUR_S)

    assert caught.value.reason == "watchdog_gone"


def test_a_watchdog_that_does_not_read_does_not_hold_up_its_supervisor(
    watchdog: Watchdog,
) -> None:
    os.kill(watchdog.pid, signal.SIGSTOP)

    with pytest.raises(TradingError, match="has ended or is stuck"):
        deque(map(watchdog.feed, repeat(HOUR_S)), maxlen=0)

    os.kill(watchdog.pid, signal.SIGCONT)


def test_a_watchdog_that_is_frozen_does_not_answer(
    engine: "subprocess.Popen[bytes]", log: Path, eventually: Eventually
) -> None:
    times = WatchdogTimes(first_feed_s=60.0, settle_s=0.0, cancel_s=0.0, ask_every_s=0.0)
    with Watchdog.start(engine.pid, account=ACCOUNT, log=log, times=times) as watchdog:
        assert eventually(watchdog.answers)
        os.kill(watchdog.pid, signal.SIGSTOP)

        assert eventually(lambda: not watchdog.answers())

        os.kill(watchdog.pid, signal.SIGCONT)
        assert eventually(watchdog.answers)


def test_an_engine_is_ended_at_once_though_its_watchdog_is_frozen(
    engine: "subprocess.Popen[bytes]", watchdog: Watchdog
) -> None:
    os.kill(watchdog.pid, signal.SIGSTOP)
    with ThreadPoolExecutor(1) as pool:
        left = pool.submit(watchdog.__exit__, None, None, None)
        try:
            code = engine.wait(20)
            is_waited_for = not left.done()
        finally:
            os.kill(watchdog.pid, signal.SIGCONT)

    assert code == -signal.SIGKILL
    assert is_waited_for


def test_an_engine_that_has_ended_already_is_not_watched(log: Path) -> None:
    with subprocess.Popen([sys.executable, "-S", "-c", ""]) as ended:
        pass

    with pytest.raises(TradingError, match="ended before it was watched"):
        Watchdog.start(ended.pid, account=ACCOUNT, log=log, times=TIMES)


def test_a_watchdog_that_does_not_start_says_why(
    engine: "subprocess.Popen[bytes]", log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = (sys.executable, "-c", "raise SystemExit('no memory is left')")
    monkeypatch.setattr("tradai.entrypoint._live.watchdog._COMMAND", broken)

    with pytest.raises(TradingError, match=r"did not start \(no memory is left\)"):
        Watchdog.start(engine.pid, account=ACCOUNT, log=log, times=TIMES)

    assert engine.poll() is None


def test_a_supervisor_that_follows_the_engine_sees_that_it_was_killed(
    tmp_path: Path, log: Path
) -> None:
    program = "import sys, time; sys.stdin.read(); print('configured', flush=True); time.sleep(600)"
    lines: list[str] = []
    engine = EngineProcess(
        [sys.executable, "-S", "-c", program],
        stdin=b"the configuration, with keys",
        environ={},
        folder=tmp_path,
        log_file=tmp_path / "engine.log",
        on_line=lines.append,
    )
    with (
        Interrupts() as interrupts,
        engine,
        Watchdog.start(engine.pid, account=ACCOUNT, log=log, times=TIMES) as watchdog,
    ):
        assert lines == []
        reached = engine.follow(interrupts, until=lambda: bool(lines))

        watchdog.feed(0.0)
        ended = engine.wait(interrupts)

        assert not watchdog.stand_down(timeout_s=60)
    assert reached is WakeReason.REACHED
    assert (ended.signal, ended.asked_to_stop) == (signal.SIGKILL, False)


SUPERVISOR: Final = """
    import sys, time
    from pathlib import Path
    from tradai.core import Secret
    from tradai.entrypoint._live._account.account import ApiKeys
    from tradai.entrypoint._live.watchdog import EntryAccount, Watchdog, WatchdogTimes

    keys = ApiKeys(key=Secret("a-fake-key"), secret=Secret("a-fake-secret"))
    account = EntryAccount(
        exchange="binance", base_url="http://127.0.0.1:9", keys=keys, prefix="x-0123456789ab"
    )
    times = WatchdogTimes(first_feed_s=60.0, settle_s=0.0, cancel_s=0.0)
    log, engine, sure_s = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    with Watchdog.start(engine, account=account, log=log, times=times) as watchdog:
        watchdog.feed(sure_s)
        print("fed", flush=True)
        while True:
            time.sleep(0.05)
            watchdog.feed(sure_s)
"""


@pytest.mark.parametrize(
    ("number", "sure_s", "why"),
    [
        (signal.SIGSTOP, 1.0, "the lease was not renewed in time"),
        (signal.SIGKILL, HOUR_S, "the supervisor has ended and left the engine"),
    ],
    ids=["frozen", "killed"],
)
def test_a_supervisor_that_does_nothing_any_more_leaves_no_engine(
    engine: "subprocess.Popen[bytes]",
    log: Path,
    eventually: Eventually,
    number: int,
    sure_s: float,
    why: str,
) -> None:
    program = [sys.executable, "-c", textwrap.dedent(SUPERVISOR), str(log), str(engine.pid)]
    with subprocess.Popen([*program, str(sure_s)], stdout=subprocess.PIPE) as supervisor:
        assert supervisor.stdout is not None
        assert supervisor.stdout.readline() == b"fed\n"
        assert engine.poll() is None

        supervisor.send_signal(number)

        assert engine.wait(60) == -signal.SIGKILL
        assert eventually(lambda: len(_events(log)) > 1)
        supervisor.kill()
    assert _why(log) == why


def _lives(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    # It may go before its file is opened, and between that and the reading.
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"

"""The watchdog beside a live engine: it ends the engine when the lease is not sure any more.

No exchange checks a fencing token, so a supervisor that is frozen must not leave an engine that
trades. The watchdog is a process in a session of its own. It is fed with the time for which the
lease is sure. Unfed, or without its supervisor, it kills the engine and cancels its open entries.
"""

import contextlib
import os
import select
import site
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self, final

from tradai.core import SystemClock, WaitingClock, redact
from tradai.core.exceptions import TradingError
from tradai.entrypoint._live._account.account import ApiKeys
from tradai.entrypoint._live._watchdog.answers import Answers
from tradai.entrypoint._live._watchdog.child import DEATH_S, READY
from tradai.entrypoint._live._watchdog.engine_group import EngineGroup, started_at
from tradai.entrypoint._live._watchdog.lines import QUESTION, STAND_DOWN, facts_line, feed_line

_COMMAND: Final = (sys.executable, "-P", "-m", "tradai.entrypoint.freqtrade", "watchdog")
_START_S: Final = 30.0
# Of the last request, and of loading what cancels.
_LAST_REQUEST_S: Final = 20.0
# Nothing of the environment but what Python and TLS need: it may hold keys, and the mark by which
# the children of a supervisor are ended with it. No variable of Python either: code that one names
# would run beside the keys.
_PASSED_ON: Final = frozenset(
    {"PATH", "HOME", "LANG", "TZ", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR"}
)
# `tradai-entrypoint contain` ends a container only after a process with this variable.
_AWAITED: Final = "_TRADAI_AWAITED"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class EntryAccount:
    """The account whose open entries a watchdog cancels.

    Attributes:
        exchange: Name of the exchange.
        base_url: Its address; None is its own.
        prefix: Beginning of the client order ids of the engine.
    """

    exchange: str
    base_url: str | None
    keys: ApiKeys
    prefix: str


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class WatchdogTimes:
    """Time limits of a watchdog, in seconds.

    Attributes:
        first_feed_s: From its start to the first feed.
        settle_s: From the end of the engine to the last look for entries. An order that was sent
            may arrive until then: Binance refuses one after the `recvWindow` of five seconds.
        cancel_s: From the end of the engine until it gives up.
        ask_every_s: From one question whether it still reads to the next.
    """

    first_feed_s: float = 10.0
    settle_s: float = 12.0
    cancel_s: float = 60.0
    ask_every_s: float = 5.0


@final
class Watchdog:
    """A watchdog that watches, inside a ``with`` block.

    When the block is left without `stand_down`, the watchdog does its duty.
    """

    def __init__(
        self,
        process: "subprocess.Popen[bytes]",
        group: EngineGroup,
        *,
        log: Path,
        times: WatchdogTimes,
    ) -> None:
        """Take the process, which is ready, and the engine's group; see `start`."""
        self._process = process
        self._group = group
        self._log = log
        self._longest_s = DEATH_S + times.cancel_s + _LAST_REQUEST_S
        self._clock: WaitingClock = SystemClock()
        self._answers = Answers(
            _pipes_of(process)[1].fileno(),
            lambda: self._send(QUESTION),
            every_s=times.ask_every_s,
            clock=self._clock,
        )

    @classmethod
    def start(
        cls,
        engine_group: int,
        *,
        account: EntryAccount,
        log: Path,
        times: WatchdogTimes | None = None,
    ) -> Self:
        """Start a watchdog, and return it when it watches.

        Call it before the engine has its configuration, which `EngineProcess` writes when it is
        followed: so no engine has a key that is not watched.

        Args:
            engine_group: Process id of the engine, which leads the group.
            account: The account that the engine trades on; the keys travel on standard input.
            log: A file that does not exist yet: the journal of what the watchdog does.
            times: Its time limits.

        Raises:
            TradingError: It did not start, or the engine has ended.
        """
        started = started_at(engine_group)
        try:
            group = EngineGroup(engine_group, started=started)
        except ProcessLookupError:
            raise _ended_engine() from None
        times = times or WatchdogTimes()
        facts = {
            "engine": engine_group,
            "engine_started": started,
            "exchange": account.exchange,
            "base_url": account.base_url,
            "key": account.keys.key.reveal(),
            "secret": account.keys.secret.reveal(),
            "prefix": account.prefix,
            "log": str(log.resolve()),
            "first_feed_s": times.first_feed_s,
            "settle_s": times.settle_s,
            "cancel_s": times.cancel_s,
        }
        try:
            process = _start(facts_line(facts))
        except BaseException:
            group.close()
            raise
        return cls(process, group, log=log, times=times)

    def __enter__(self) -> Self:
        """Return the watchdog."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Kill an engine that still runs, and close the pipe: then the watchdog does its duty.

        The engine does not wait for a watchdog that may be frozen. The watchdog is waited for, as
        long as its time limits allow: in a container it ends with process 1.
        """
        self._group.kill()
        _close(self._process)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(self._longest_s)
        self._group.close()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether its process lives."""
        return self._process.poll() is None

    def answers(self) -> bool:
        """Ask it for an answer when that is due; return whether one of the last came."""
        return self._answers.are_coming()

    @property
    def has_acted(self) -> bool:
        """Whether it has ended the engine: its log is there."""
        return self._log.exists()

    def feed(self, seconds: float) -> None:
        """Let the engine live for `seconds` from now, which is how long the lease is sure.

        With 0 the watchdog ends it now.

        Raises:
            TradingError: The watchdog has ended, or does not read any more: stop the engine.
        """
        self._send(feed_line(self._clock() + seconds))

    def stand_down(self, *, timeout_s: float = 5.0) -> bool:
        """End the watch, because the engine has ended in good order.

        Returns:
            Whether the watchdog ended without having acted. One that has begun to act goes on; it
            is waited for at most `timeout_s`.

        Raises:
            TradingError: The engine still runs; the watch goes on.
        """
        if self._group.is_running:
            message = "the engine still runs: end it before its watchdog stands down"
            raise TradingError(message, reason="engine_running")
        with contextlib.suppress(TradingError):
            self._send(STAND_DOWN)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout_s)
        return not self.is_alive and not self.has_acted

    def _send(self, line: bytes) -> None:
        try:
            if self._process.stdin is not None and self.is_alive:
                os.write(self._process.stdin.fileno(), line)
                return
        # A pipe that is full, because it is not read, or that has no other end.
        except (BlockingIOError, BrokenPipeError):
            pass
        message = "the watchdog beside the engine has ended or is stuck: stop the engine"
        raise TradingError(message, reason="watchdog_gone")


def _start(first_line: bytes) -> "subprocess.Popen[bytes]":
    with tempfile.TemporaryFile() as errors:
        # The command is our own. In a session of its own, so that no Ctrl-C of a terminal reaches
        # it, and in no folder that may have to be removed.
        process = subprocess.Popen(  # noqa: S603
            _COMMAND,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            bufsize=0,
            cwd="/",
            env=_environment(),
            start_new_session=True,
        )
        try:
            _await_ready(process, first_line, errors)
        except BaseException:
            process.kill()
            _close(process)
            process.wait()
            raise
    return process


def _await_ready(process: "subprocess.Popen[bytes]", first_line: bytes, errors: IO[bytes]) -> None:
    """Send the first line, and wait for the answer to it."""
    stdin, stdout = _pipes_of(process)
    with contextlib.suppress(BrokenPipeError):
        stdin.write(first_line)
    os.set_blocking(stdin.fileno(), False)
    readable, _, _ = select.select([stdout], [], [], _START_S)
    if not readable or stdout.read(len(READY)) != READY:
        errors.seek(0)
        last = (errors.read().decode(errors="replace").splitlines() or ["it gave no reason"])[-1]
        message = f"the watchdog beside the engine did not start ({redact(last)}): try again"
        raise TradingError(message, reason="watchdog_gone")


def _environment() -> dict[str, str]:
    passed_on = {
        name: text
        for name, text in os.environ.items()
        if name in _PASSED_ON or name.startswith("LC_")
    }
    if site.ENABLE_USER_SITE:
        # We may be installed there, as is the engine.
        passed_on["PYTHONUSERBASE"] = site.getuserbase()
    return passed_on | {_AWAITED: "1"}


def _pipes_of(process: "subprocess.Popen[bytes]") -> tuple[IO[bytes], IO[bytes]]:
    # Both are pipes, because `Popen` was asked for them.
    if process.stdin is None or process.stdout is None:
        raise AssertionError
    return process.stdin, process.stdout


def _close(process: "subprocess.Popen[bytes]") -> None:
    for pipe in _pipes_of(process):
        pipe.close()


def _ended_engine() -> TradingError:
    return TradingError("the engine ended before it was watched: see engine.log", reason="engine")

"""Messages of the real engine in a dry-run: they arrive, and their addresses are kept nowhere."""

import signal
import socket
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from engine.conftest import ALWAYS_IN
from engine.message_server import MessageServer, receiving_messages

CONFIG = f"""{ALWAYS_IN}\
engine:
  webhook:
    enabled: true
    url: env:TRADE_HOOK
    format: json
    retries: 1
    entry_fill: {{bought: "{{pair}}"}}
  discord:
    enabled: true
    webhook_url: env:TRADE_DISCORD
    entry_fill: [{{pair: "{{pair}}"}}]
"""
# The part of an address that lets its holder send messages.
HOOK, DISCORD = "obviously-fake-hook-key", "obviously-fake-discord-key"
PAIRS = {"BTC/USDT", "ETH/USDT"}


@pytest.fixture
def config(always_in: Path) -> Path:
    always_in.write_text(CONFIG)
    return always_in


@pytest.fixture
def receiver() -> Iterator[MessageServer]:
    with receiving_messages() as server:
        yield server


def pairs_in_trades(run: Path) -> set[str]:
    """The pairs with an open trade."""
    with closing(sqlite3.connect(run / "scratch/tradesv3.dryrun.sqlite")) as opened:
        return {pair for (pair,) in opened.execute("SELECT pair FROM trades WHERE is_open")}


def processes_that_know(word: str, group: int) -> list[str]:
    """The places in processes of the session `group` that have `word`, but for its leader's own."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            # After the name, which may hold spaces: state, parent, group, session.
            session = (process / "stat").read_text().rpartition(")")[2].split()[3]
            if int(session) == group:
                kept = [process / "cmdline"] + [process / "environ"] * (int(process.name) != group)
                found += [str(each) for each in kept if word.encode() in each.read_bytes()]
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def require_kept_nowhere(folder: Path) -> None:
    """No file below `folder` has one of the keys."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    for key in (HOOK, DISCORD):
        assert [str(path) for path in files if key.encode() in path.read_bytes()] == []


def stop(run: Any) -> None:
    """End a run in good order."""
    run.process.send_signal(signal.SIGTERM)
    assert run.process.wait(120) == 0, run.stderr()


def test_messages_arrive_and_their_addresses_are_in_no_file_argument_or_other_environment(
    start: Callable[..., Any],
    environ: dict[str, str],
    config: Path,
    exchange: str,
    receiver: MessageServer,
    tmp_path: Path,
) -> None:
    environ["TRADE_HOOK"] = f"{receiver.url}/{HOOK}"
    environ["TRADE_DISCORD"] = f"{receiver.url}/{DISCORD}"
    run = start("run", config, "--mode", "dry-run", f"run.exchange_url={exchange}")

    run.wait_for(
        lambda: len(receiver.heard(f"/{HOOK}")) == len(receiver.heard(f"/{DISCORD}")) == 2,
        event="two messages at both receivers",
    )

    assert {message["bought"] for message in receiver.heard(f"/{HOOK}")} == PAIRS
    told = [message["embeds"][0]["fields"][0]["value"] for message in receiver.heard(f"/{DISCORD}")]
    assert set(told) == PAIRS
    for key in (HOOK, DISCORD):
        assert processes_that_know(key, run.process.pid) == []
    require_kept_nowhere(tmp_path)
    stop(run)
    require_kept_nowhere(tmp_path)


def test_receivers_that_hang_and_that_are_away_stop_no_trade_and_their_addresses_are_masked(
    start: Callable[..., Any],
    environ: dict[str, str],
    config: Path,
    exchange: str,
    receiver: MessageServer,
    tmp_path: Path,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        away = closed.getsockname()[1]
    environ["TRADE_HOOK"] = f"{receiver.url}/hangs/{HOOK}"
    environ["TRADE_DISCORD"] = f"http://127.0.0.1:{away}/{DISCORD}"
    run = start("run", config, "--mode", "dry-run", f"run.exchange_url={exchange}")

    # Two attempts at each of two messages.
    run.wait_for(lambda: len(receiver.heard(f"/hangs/{HOOK}")) == 4, event="four attempts")
    run.wait_for(lambda: pairs_in_trades(run.folder) == PAIRS, event="two open trades")
    stop(run)

    log = (run.folder / "engine.log").read_text()
    assert "Read timed out" in log
    assert "Max retries exceeded" in log
    require_kept_nowhere(tmp_path)


# The engine has no setting for the address of Telegram, so the strategy gives its client one.
ELSEWHERE = """

from freqtrade.rpc.telegram import Application, Telegram

Telegram._init_telegram_app = lambda self: (
    Application.builder().token(self._config["telegram"]["token"]).base_url("{url}/bot").build()
)
"""


def test_a_token_and_a_message_that_are_refused_stop_no_trade_and_are_masked(
    start: Callable[..., Any],
    environ: dict[str, str],
    config: Path,
    exchange: str,
    receiver: MessageServer,
    tmp_path: Path,
) -> None:
    source = config.parent / "strategies/always_in.py"
    source.write_text(source.read_text() + ELSEWHERE.format(url=receiver.url))
    telegram = "{enabled: true, token: env:TRADE_TOKEN, chat_id: env:TRADE_CHAT}"
    config.write_text(CONFIG.replace("\nengine:", f"\nengine:\n  telegram: {telegram}"))
    environ["TRADE_TOKEN"], environ["TRADE_CHAT"] = f"1:{HOOK}", "-100200300"
    environ["TRADE_HOOK"] = f"{receiver.url}/gone/{HOOK}"
    environ["TRADE_DISCORD"] = f"{receiver.url}/gone/{DISCORD}"
    run = start("run", config, "--mode", "dry-run", f"run.exchange_url={exchange}")

    run.wait_for_event("engine running")
    run.wait_for(
        lambda: "Telegram init failed" in (run.folder / "engine.log").read_text(),
        event="the end of its attempts",
    )
    run.wait_for(lambda: pairs_in_trades(run.folder) == PAIRS, event="two open trades")
    paths = {f"/bot1:{HOOK}/getMe", f"/gone/{HOOK}", f"/gone/{DISCORD}"}
    run.wait_for(lambda: receiver.paths() >= paths, event="a message at each address")
    stop(run)

    log = (run.folder / "engine.log").read_text()
    assert "was rejected by the server" in log
    assert "404 Client Error" in log
    require_kept_nowhere(tmp_path)

"""Types of cached functions: type checkers accept correct code and find every planted error."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

GOOD: Final = """
import asyncio
from dataclasses import dataclass
from typing import assert_type

from tradai.cache import Cache, CacheHook, CacheStats, PeekResult, Namespace, candle

cache = Cache()
namespace: Namespace = cache.namespace("markets", version=2, on_outage="stale_only")


@cache.cached(ttl=60.0)
def markets(exchange: str, *, limit: int = 5) -> dict[str, int]:
    return {exchange: limit}


@namespace.cached(ttl=candle("1h"), jitter=0.1, stale_for=300)
async def candles(pair: str, limit: int = 500) -> list[float]:
    return [float(limit)]


@cache.cached(ttl=60)
def anything(value: object, times: int = 1) -> str:
    return str(value) * times


@dataclass(frozen=True)
class Exchange:
    name: str

    @cache.cached(ttl=60)
    def fee(self, pair: str) -> float:
        return 0.1

    @cache.cached(ttl=60)
    async def spread(self, pair: str) -> float:
        return 0.1

    @cache.cached(ttl=60)
    @classmethod
    def known(cls, kind: str) -> list[str]:
        return [kind]

    @classmethod
    @cache.cached(ttl=60)
    def known_too(cls, kind: str) -> list[str]:
        return [kind]

    @cache.cached(ttl=60)
    @staticmethod
    def plain_text(pair: str) -> str:
        return pair


class Spot(Exchange):
    pass


def threads(exchange: Exchange) -> None:
    assert_type(markets("binance", limit=3), dict[str, int])
    assert_type(markets.peek(exchange="binance"), PeekResult[dict[str, int]] | None)
    markets.invalidate("binance", limit=3)
    assert_type(exchange.fee("BTC/USDT"), float)
    assert_type(exchange.fee.peek("BTC/USDT"), PeekResult[float] | None)
    assert_type(Exchange.fee(exchange, "BTC/USDT"), float)
    exchange.fee.invalidate("BTC/USDT")
    assert_type(Exchange.known("spot"), list[str])
    assert_type(Spot.known("spot"), list[str])
    assert_type(exchange.known("spot"), list[str])
    assert_type(Exchange.known_too.peek("spot"), PeekResult[list[str]] | None)
    assert_type(Exchange.plain_text("BTC/USDT"), str)
    assert_type(exchange.plain_text("BTC/USDT"), str)
    assert_type(anything(1, times=2), str)
    assert_type(namespace.stats(), CacheStats)


async def tasks(exchange: Exchange) -> None:
    assert_type(await candles("BTC/USDT", limit=5), list[float])
    assert_type(await candles.peek("BTC/USDT"), PeekResult[list[float]] | None)
    await candles.invalidate("BTC/USDT")
    assert_type(await exchange.spread("BTC/USDT"), float)
    await exchange.spread.invalidate("BTC/USDT")
    asyncio.create_task(candles("BTC/USDT"))


class Hook:
    def loaded(self, namespace: str, *, seconds: float, error: Exception | None) -> None: ...
    def served_stale(self, namespace: str, *, age_s: float) -> None: ...
    def on_tier_change(self, *, is_up: bool, reason: str) -> None: ...


hook: CacheHook = Hook()
"""

# Only the lines that end in "planted" must be errors.
BAD: Final = """
from good import Exchange, candles, markets
from tradai.cache import Cache

Cache().cached(60)  # planted
Cache().namespace("markets", on_outage="fail")  # planted
markets(5)  # planted
markets("binance", limits=3)  # planted
markets.invalidate()  # planted
markets.peek("binance").value  # planted
name: str = markets("binance")  # planted


async def tasks(exchange: Exchange) -> None:
    await markets("binance")  # planted
    number: float = await candles("BTC/USDT")  # planted
    await candles(5)  # planted
    exchange.fee(5)  # planted
    exchange.fee.peek("BTC/USDT", 5)  # planted
    Exchange.known(5)  # planted
    await exchange.spread.invalidate(pairs="BTC/USDT")  # planted
"""


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("consumer")
    (folder / "good.py").write_text(GOOD)
    (folder / "bad.py").write_text(BAD)
    return folder


def _planted() -> set[tuple[str, int]]:
    lines = enumerate(BAD.splitlines(), start=1)
    return {("bad.py", number) for number, line in lines if line.endswith("# planted")}


def test_mypy_finds_exactly_the_planted_errors(sources: Path, root: Path) -> None:
    # In the repository, with its settings and its cache: a cold run takes ten times as long.
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *map(str, sorted(sources.glob("*.py")))],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )

    reported = re.findall(r"(\w+\.py):(\d+): error:", done.stdout)
    assert {(file, int(line)) for file, line in reported} == _planted(), done.stdout + done.stderr


def test_pyright_finds_exactly_the_planted_errors(sources: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable, "."],
        cwd=sources,
        capture_output=True,
        text=True,
        check=False,
    )

    diagnostics = json.loads(done.stdout)["generalDiagnostics"]
    errors = {
        (Path(item["file"]).name, item["range"]["start"]["line"] + 1)
        for item in diagnostics
        if item["severity"] == "error"
    }
    assert errors == _planted(), done.stdout

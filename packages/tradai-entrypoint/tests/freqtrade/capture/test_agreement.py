"""Captured rules are compared with their recorded answers once, also by runs side by side."""

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tradai.core.exceptions import ValidationError
from tradai.entrypoint._process.interrupts import Interrupts
from tradai.entrypoint._runs.context import RunContext
from tradai.entrypoint.freqtrade import MarketsSnapshot
from tradai.entrypoint.freqtrade._capture.agreement import check_agreement
from tradai.entrypoint.freqtrade._engine.install import EngineInstall

MARKET: dict[str, Any] = {
    "symbol": "BTC/USDT",
    "type": "spot",
    "base": "BTC",
    "quote": "USDT",
    "active": True,
    "precision": {"price": 0.1, "amount": 0.001},
    "limits": {"amount": {"min": 0.001}, "cost": {"min": 5}},
    "contractSize": None,
    "precision_mode": 4,
}
ANSWER = {"markets": [MARKET], "names": ["BTC/USDT"], "versions": {"ccxt": "4.5"}}


def counting_engine(asked: Path, answer: object = ANSWER) -> EngineInstall:
    """Return an engine that loads one market, and writes a line each time."""
    program = f"open({str(asked)!r}, 'a').write('asked\\n'); print({json.dumps(answer)!r})"
    python = (sys.executable, "-I", "-c", program)
    return EngineInstall(python=python, version="2026.9", package=Path())


def captured() -> MarketsSnapshot:
    return MarketsSnapshot.model_validate(
        {
            "exchange": "bybit",
            "captured_at": "2026-01-01T00:00:00Z",
            "origin": "captured",
            "symbols": [MARKET],
            "answers": [{"url": "https://api.bybit.com/v5/market/spot", "text": "{}"}],
        }
    )


@pytest.fixture
def context(interrupts: Interrupts) -> RunContext:
    return cast("RunContext", SimpleNamespace(interrupts=interrupts, environ={}))


def test_runs_side_by_side_load_the_markets_once(tmp_path: Path, context: RunContext) -> None:
    snapshot = captured()
    engine = counting_engine(tmp_path / "asked")
    barrier = Barrier(2)

    def check(_: int) -> None:
        barrier.wait()
        check_agreement(snapshot, engine, context)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(check, range(2)))

    assert (tmp_path / "asked").read_text() == "asked\n"


def test_a_rule_that_the_engine_reads_as_infinity_differs(
    tmp_path: Path, context: RunContext
) -> None:
    market = {**MARKET, "precision": {"price": float("inf"), "amount": 0.001}}
    engine = counting_engine(tmp_path / "asked", {**ANSWER, "markets": [market]})

    with pytest.raises(ValidationError, match=r"BTC/USDT have precision.price 0\.1, .* reads inf"):
        check_agreement(captured(), engine, context)


@pytest.mark.parametrize(
    ("ours", "theirs", "said"),
    [
        ({}, {"leverage": 3}, "leverage null, and freqtrade 2026.9 reads 3"),
        ({"leverage": 3}, {}, "leverage 3, and freqtrade 2026.9 reads null"),
    ],
)
def test_a_rule_that_one_side_alone_has_differs(
    tmp_path: Path,
    context: RunContext,
    ours: dict[str, Any],
    theirs: dict[str, Any],
    said: str,
) -> None:
    engine = counting_engine(tmp_path / "asked", {**ANSWER, "markets": [MARKET | theirs]})
    snapshot = captured().model_copy(update={"symbols": (MARKET | ours,)})

    with pytest.raises(ValidationError, match=said):
        check_agreement(snapshot, engine, context)


def test_a_rule_that_is_null_on_one_side_and_missing_on_the_other_agrees(
    tmp_path: Path, context: RunContext
) -> None:
    market = {name: value for name, value in MARKET.items() if name != "contractSize"}
    engine = counting_engine(tmp_path / "asked", {**ANSWER, "markets": [market]})

    check_agreement(captured(), engine, context)

    assert (tmp_path / "asked").exists()

"""Facts about a session that may start; a test changes one of them."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tradai.core import Market, MarketSnapshot, StrategyConfig, TradingMode
from tradai.core.live import Approval, RiskMeasure
from tradai.entrypoint._live._account.account import AccountState, Balance, KeyRights
from tradai.entrypoint._live._account.reconcile import Reconciliation
from tradai.entrypoint._preflight.facts import (
    Disk,
    DryRun,
    EngineFacts,
    LastCandle,
    Limits,
    Models,
    PreflightFacts,
    StatePlaces,
    TradeDatabase,
)

NOW = datetime(2026, 11, 29, 12, 7, tzinfo=UTC)
DIGEST = "c" * 64
PREFIX = "x-0123456789ab"
PAIRS = ("BTC/USDT", "ETH/USDT")
PRICES = {"BTC/USDT": Decimal(60_000), "ETH/USDT": Decimal(3_000)}


def market(pair: str, *, status: str = "active") -> Market:
    base, _, quote = pair.partition("/")
    return Market.model_validate(
        {
            "pair": pair,
            "market_type": "spot",
            "base": base,
            "quote": quote,
            "status": status,
            "tick": "0.01",
            "step": "0.00001",
            "min_amount": "0.00001",
            "min_notional": "5",
        }
    )


def config(**execution: object) -> StrategyConfig:
    return StrategyConfig.model_validate(
        {
            "name": "wave",
            "version": "1.0.0",
            "timeframe": "5m",
            "pairs": PAIRS,
            "execution": {
                "stake_amount": Decimal(100),
                "max_open_trades": 2,
                "stoploss": Decimal("-0.1"),
                **execution,
            },
        }
    )


def approval(**changes: object) -> Approval:
    plan = {
        **dict.fromkeys(("config", "source", "run"), DIGEST),
        **dict.fromkeys(("side_files", "models", "image")),
        "strategy": "wave",
        "version": "1.0.0",
        "engine": "freqtrade 2026.9",
    }
    return Approval.model_validate(
        {
            "plan": plan,
            "account": {"venue": "binance", "uid": "4242424242"},
            "approver": "A. Person",
            "approved_at": NOW,
            "expires_at": NOW + timedelta(days=1),
            "stake_currency": "USDT",
            "largest_stake": Decimal(100),
            "risk_limits": {measure: {"halt": "0.2"} for measure in RiskMeasure},
            "order_policy": "cancel-entries",
            **changes,
        }
    )


@pytest.fixture
def facts() -> PreflightFacts:
    """Facts that no check objects to."""
    return PreflightFacts(
        mode=TradingMode.LIVE,
        now=NOW,
        config=config(),
        config_digest=DIGEST,
        engine_config={
            "dry_run": False,
            "trading_mode": "spot",
            "initial_state": "running",
            "pairlists": [{"method": "StaticPairList"}],
            "stake_amount": 100.0,
            "exchange": {
                "name": "binance",
                "pair_whitelist": list(PAIRS),
                "pair_blacklist": [],
                "enable_ws": False,
                "ccxt_config": {"options": {"broker": {"spot": PREFIX}}},
            },
        },
        engine=EngineFacts(schema_problems=(), client_order_id=f"{PREFIX}{'0' * 22}"),
        order_prefix=PREFIX,
        symbols=frozenset({"BTCUSDT", "ETHUSDT"}),
        stake=Decimal(100),
        approval=approval(),
        limits=Limits(),
        variable_names=frozenset({"PATH", "TRADAI_LIVE_CONFIRM", "TRADAI_LIVE_DRY_RUN_HOURS"}),
        account=AccountState(
            uid="4242424242",
            may_trade=True,
            balances=(Balance(asset="USDT", free=Decimal(1_000), locked=Decimal()),),
        ),
        rights=KeyRights(may_read=True, may_trade=True, may_withdraw=False, may_transfer=False),
        open_orders=(),
        books=Reconciliation(),
        clock_offset_s=0.01,
        markets=MarketSnapshot(exchange="binance", taken_at=NOW, markets=tuple(map(market, PAIRS))),
        last_candles={
            pair: LastCandle(opened_at=NOW.replace(minute=5), close=price)
            for pair, price in PRICES.items()
        },
        database=TradeDatabase(),
        free_bytes=10**10,
        halt=None,
        starts=(NOW,),
        dry_runs=(
            DryRun(
                run_id="r1",
                config_digest=DIGEST,
                duration=timedelta(hours=24),
                exit_code=0,
                is_fallback=False,
            ),
        ),
        state=StatePlaces(
            uris={"lease": "file:///var/lib/tradai/lease"},
            disks={Path("/var/lib/tradai/lease"): Disk(kind="ext4")},
            is_container=False,
            durable_volume=None,
        ),
        models=Models(),
    )

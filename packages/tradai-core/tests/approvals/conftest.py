"""A plan, an approval of it, and the key that signs it."""

from datetime import timedelta
from decimal import Decimal

import pytest

from tradai.core import Secret, Version
from tradai.core.live import (
    Approval,
    LivePlan,
    OrderPolicy,
    RiskLimit,
    RiskMeasure,
    TradingAccount,
)
from tradai.core.testing import FixedClock


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def key() -> Secret:
    return Secret("not-a-real-key-for-approvals-0001")


@pytest.fixture
def plan() -> LivePlan:
    return LivePlan(
        strategy="momentum",
        version=Version("1.2.0"),
        config="c" * 64,
        source="5" * 64,
        side_files="f" * 64,
        models=None,
        run="e" * 64,
        engine="freqtrade 2025.10",
        image="sha256:" + "1" * 64,
    )


@pytest.fixture
def approval(plan: LivePlan, clock: FixedClock) -> Approval:
    return Approval(
        plan=plan,
        account=TradingAccount(venue="binance", uid="1234567"),
        approver="Ada Example",
        approved_at=clock.now(),
        expires_at=clock.now() + timedelta(days=7),
        stake_currency="USDT",
        largest_stake=Decimal("100.50"),
        risk_limits={
            **dict.fromkeys(RiskMeasure, RiskLimit(halt=Decimal(10))),
            RiskMeasure.DRAWDOWN: RiskLimit(
                release=Decimal("0.020"), pause=Decimal("0.05"), halt=Decimal("0.1")
            ),
        },
        order_policy=OrderPolicy.CANCEL_ENTRIES,
    )

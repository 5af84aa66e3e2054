"""Approvals on servers that speak S3: the contract, and a whole turn by URI."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Literal

import pytest
from servers.aws import REGION, new_bucket, settings_at

from tradai.aws import S3Store
from tradai.core import SecretReference, Version, backend_for
from tradai.core.exceptions import ApprovalError
from tradai.core.live import (
    Approval,
    Approvals,
    ApprovalStore,
    LivePlan,
    ObjectApprovalStore,
    OrderPolicy,
    RiskLimit,
    RiskMeasure,
    TradingAccount,
)
from tradai.core.testing import ApprovalStoreContract, FixedClock

Name = Literal["localstack", "moto", "seaweedfs"]


class TestS3Approvals(ApprovalStoreContract):
    @pytest.fixture(params=["localstack", "moto", "seaweedfs"])
    def open_store(self, request: pytest.FixtureRequest) -> Callable[[], ApprovalStore]:
        name: Name = request.param
        settings = settings_at(request.getfixturevalue(name))
        uri = f"s3://{new_bucket(settings)}/approvals/"
        return lambda: ObjectApprovalStore(S3Store(settings), uri)


def test_approvals_on_s3_are_found_by_their_uri(
    localstack: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = f"s3://{new_bucket(settings_at(localstack))}/approvals"
    monkeypatch.setenv("AWS_ENDPOINT_URL", localstack)
    monkeypatch.setenv("AWS_REGION", REGION)
    monkeypatch.setenv("APPROVAL_KEY", "not-a-real-key-for-approvals-0001")
    clock = FixedClock()
    approvals = Approvals(
        backend_for("tradai.approvals", uri), key=SecretReference("env:APPROVAL_KEY"), clock=clock
    )
    plan = LivePlan(
        strategy="momentum",
        version=Version("1.2.0"),
        config="c" * 64,
        source="5" * 64,
        side_files=None,
        models=None,
        run="e" * 64,
        engine="freqtrade 2025.10",
        image=None,
    )
    approval = Approval(
        plan=plan,
        account=TradingAccount(venue="binance", uid="1234567"),
        approver="Ada Example",
        approved_at=clock.now(),
        expires_at=clock.now() + timedelta(days=7),
        stake_currency="USDT",
        largest_stake=Decimal(100),
        risk_limits=dict.fromkeys(RiskMeasure, RiskLimit(halt=Decimal("0.05"))),
        order_policy=OrderPolicy.CANCEL_ENTRIES,
    )

    approval_id = approvals.approve(approval)
    assert approvals.require(plan) == approval
    approvals.revoke("momentum", approval_id, revoked_by="Ada Example", reason="a test")

    with pytest.raises(ApprovalError, match="was revoked"):
        approvals.require(plan)

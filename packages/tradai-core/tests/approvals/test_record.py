"""Plans and approvals: values that are not usable, differences, and confirmations."""

from datetime import timedelta

import pydantic
import pytest
from hypothesis import given, strategies as st

from tradai.core.exceptions import ApprovalError
from tradai.core.live import Approval, ApprovalRefusal, LivePlan, RiskMeasure, TradingAccount
from tradai.core.testing import FixedClock

OTHER = {
    "strategy": "momentum-2",
    "version": "1.2.1",
    "config": "d" * 64,
    "source": "6" * 64,
    "side_files": None,
    "models": "a" * 64,
    "run": "0" * 64,
    "engine": "freqtrade 2025.11",
    "image": None,
}


def test_every_field_of_a_plan_is_compared_and_digested(
    plan: LivePlan, approval: Approval, clock: FixedClock
) -> None:
    assert set(OTHER) == set(LivePlan.model_fields)
    for name, value in OTHER.items():
        other = plan.model_copy(update={name: value})

        with pytest.raises(ApprovalError, match=f"with a different {name};") as caught:
            approval.check_plan(other, now=clock.now())

        assert caught.value.reason == ApprovalRefusal.PLAN_DIFFERS
        assert caught.value.differences == (name,)
        assert other.digest != plan.digest


@given(names=st.sets(st.sampled_from(sorted(OTHER)), min_size=1))
def test_all_differences_are_named(names: set[str]) -> None:
    values = {**OTHER, "side_files": "f" * 64, "image": "sha256:1"}
    plan = LivePlan.model_validate(values)
    changed = dict.fromkeys(names, "other")

    other = plan.model_copy(update=changed)

    assert set(plan.differences(other)) == names
    assert plan.differences(plan) == ()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("strategy", "a@b"),
        ("strategy", "a b"),
        ("strategy", ".."),
        ("version", "1.0"),
        ("config", "C" * 64),
        ("config", "c" * 63),
        ("run", None),
        ("engine", ""),
        ("engine", " freqtrade"),
        ("image", "two\nlines"),
    ],
)
def test_a_plan_with_an_unusable_value_is_refused(
    plan: LivePlan, name: str, value: str | None
) -> None:
    with pytest.raises(pydantic.ValidationError, match=name):
        LivePlan.model_validate({**plan.model_dump(), name: value})


@pytest.mark.parametrize("name", LivePlan.model_fields)
def test_no_part_of_a_plan_has_a_default(plan: LivePlan, name: str) -> None:
    values = plan.model_dump(exclude={name})

    with pytest.raises(pydantic.ValidationError, match="Field required"):
        LivePlan.model_validate(values)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("approver", ""),
        ("approver", "x" * 201),
        ("largest_stake", "0"),
        ("largest_stake", "NaN"),
        ("largest_stake", "unlimited"),
        ("risk_limits", {}),
        ("risk_limits", {"drawdown": {"halt": "0.1"}}),
        ("risk_limits", {key: {"halt": "NaN"} for key in RiskMeasure}),
        ("risk_limits", {key: {"halt": "-1"} for key in RiskMeasure}),
        ("risk_limits", {key: {"pause": "1"} for key in RiskMeasure}),
        ("risk_limits", {key: {"halt": "1", "hlat": "2"} for key in RiskMeasure}),
        ("risk_limits", {key: {"halt": "1"} for key in [*RiskMeasure, "largest_drawdown"]}),
        ("order_policy", "sell-all"),
        ("approved_at", "2025-01-01T00:00:00"),
        ("expires_at", "2025-01-01T00:00:00Z"),
        ("format", 2),
        ("more", 1),
    ],
)
def test_an_approval_with_an_unusable_value_is_refused(
    approval: Approval, name: str, value: object
) -> None:
    with pytest.raises(pydantic.ValidationError):
        Approval.model_validate({**approval.model_dump(), name: value})


def test_an_approval_counts_from_its_beginning_until_just_before_its_end(
    approval: Approval, clock: FixedClock
) -> None:
    moment = timedelta(microseconds=1)

    approval.check_plan(approval.plan, now=approval.approved_at)
    approval.check_plan(approval.plan, now=approval.expires_at - moment)
    with pytest.raises(ApprovalError, match="expired at 2025-01-08 00:00:00 UTC") as late:
        approval.check_plan(approval.plan, now=approval.expires_at)
    with pytest.raises(ApprovalError, match="begins later, at 2025-01-01 00:00:00") as early:
        approval.check_plan(approval.plan, now=clock.now() - moment)

    assert late.value.reason == ApprovalRefusal.EXPIRED
    assert early.value.reason == ApprovalRefusal.NOT_YET_VALID
    assert late.value.exit_code == early.value.exit_code == 77


@pytest.mark.parametrize(
    ("account", "differences"),
    [
        (TradingAccount(venue="binance", uid="7654321"), ("uid",)),
        (TradingAccount(venue="kraken", uid="1234567"), ("venue",)),
        (TradingAccount(venue="kraken", uid="1"), ("venue", "uid")),
    ],
)
def test_another_account_is_refused(
    approval: Approval, account: TradingAccount, differences: tuple[str, ...]
) -> None:
    approval.check_account(TradingAccount(venue="binance", uid="1234567"))
    with pytest.raises(ApprovalError) as caught:
        approval.check_account(account)

    assert caught.value.reason == ApprovalRefusal.ACCOUNT_DIFFERS
    assert caught.value.differences == differences
    assert account.uid not in str(caught.value)


def test_a_confirmation_has_name_version_and_eight_digits(plan: LivePlan) -> None:
    assert plan.confirmation == f"momentum@1.2.0:{plan.digest[:8]}"
    plan.check_confirmation(plan.confirmation)


@pytest.mark.parametrize(
    ("template", "differences"),
    [
        ("yes", ("name", "version", "digest")),
        ("momentum@1.2.0", ("digest",)),
        ("momentum@1.2.0:", ("digest",)),
        ("momentum@1.2.1:{digits}", ("version",)),
        ("Momentum@1.2.0:{digits}", ("name",)),
        ("momentum@1.2.0:{digits} ", ("digest",)),
        (" momentum@1.2.0:{digits}", ("name",)),
        ("momentum@1.2.0:{digits}0", ("digest",)),
        ("momentum@1.2.0:{upper}", ("digest",)),
    ],
)
def test_any_other_text_does_not_confirm(
    plan: LivePlan, template: str, differences: tuple[str, ...]
) -> None:
    digits = plan.digest[:8]
    text = template.format(digits=digits, upper=digits.upper())

    with pytest.raises(ApprovalError, match="TRADAI_LIVE_CONFIRM") as caught:
        plan.check_confirmation(text)

    assert caught.value.reason == ApprovalRefusal.UNCONFIRMED
    assert caught.value.differences == differences
    assert digits not in str(caught.value)


@pytest.mark.parametrize("text", [None, ""])
def test_a_confirmation_that_is_not_set_is_said_to_be_so(plan: LivePlan, text: str | None) -> None:
    with pytest.raises(ApprovalError, match="TRADAI_LIVE_CONFIRM is not set") as caught:
        plan.check_confirmation(text)

    assert (caught.value.reason, caught.value.differences) == (ApprovalRefusal.UNCONFIRMED, ())


def test_the_confirmation_of_one_plan_does_not_confirm_another(plan: LivePlan) -> None:
    for name, value in OTHER.items():
        other = plan.model_copy(update={name: value})

        with pytest.raises(ApprovalError):
            other.check_confirmation(plan.confirmation)

"""Approve, revoke, and find the approval of a plan."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import TypeAlias

import pytest

from tradai.core import Secret, SecretReference
from tradai.core.exceptions import (
    ApprovalError,
    ConfigurationError,
    ConflictError,
    NotFoundError,
    ValidationError,
)
from tradai.core.live import (
    Approval,
    ApprovalEntry,
    ApprovalRefusal,
    Approvals,
    ApprovalStore,
    LivePlan,
    TradingAccount,
)
from tradai.core.testing import FixedClock, MemoryApprovalStore, ScriptedSecrets

KEY = SecretReference("env:APPROVAL_KEY")
OTHER_KEY = SecretReference("env:OTHER_KEY")
SHORT_KEY = SecretReference("env:SHORT_KEY")
Open: TypeAlias = Callable[..., Approvals]


@pytest.fixture
def store() -> MemoryApprovalStore:
    return MemoryApprovalStore()


@pytest.fixture
def open_approvals(store: MemoryApprovalStore, key: Secret, clock: FixedClock) -> Open:
    secrets = ScriptedSecrets(
        {
            KEY: key.reveal(),
            OTHER_KEY: "not-a-real-key-for-approvals-0002",
            SHORT_KEY: "fake-short-key",
        }
    )

    def open_approvals(
        key: SecretReference | None = KEY,
        *,
        allow_unsigned: bool = False,
        store: ApprovalStore = store,
    ) -> Approvals:
        return Approvals(store, key=key, allow_unsigned=allow_unsigned, source=secrets, clock=clock)

    return open_approvals


@pytest.fixture
def approvals(open_approvals: Open) -> Approvals:
    return open_approvals()


def reason_of(approvals: Approvals, plan: LivePlan) -> str:
    with pytest.raises(ApprovalError) as caught:
        approvals.require(plan)
    return caught.value.reason


def only_entry(store: MemoryApprovalStore) -> ApprovalEntry:
    (entry,) = store.entries("momentum")
    return entry


def test_an_approved_plan_may_trade(
    approvals: Approvals, approval: Approval, store: MemoryApprovalStore
) -> None:
    approval_id = approvals.approve(approval)

    assert approvals.require(approval.plan) == approval
    assert only_entry(store).approval_id == approval_id


def test_approving_again_changes_nothing(
    approvals: Approvals, approval: Approval, store: MemoryApprovalStore
) -> None:
    assert approvals.approve(approval) == approvals.approve(approval)
    assert only_entry(store).kind == "approval"


def test_a_plan_without_an_approval_is_refused(approvals: Approvals, plan: LivePlan) -> None:
    assert reason_of(approvals, plan) == ApprovalRefusal.ABSENT


def test_the_approval_of_another_strategy_does_not_count(
    approvals: Approvals, approval: Approval, plan: LivePlan, store: MemoryApprovalStore
) -> None:
    approvals.approve(approval)
    other = plan.model_copy(update={"strategy": "momentum-2"})
    assert reason_of(approvals, other) == ApprovalRefusal.ABSENT

    store.add(replace(only_entry(store), strategy="momentum-2"))

    assert reason_of(approvals, other) == ApprovalRefusal.PLAN_DIFFERS


def test_the_newest_approval_of_the_plan_counts(
    approvals: Approvals, approval: Approval, clock: FixedClock
) -> None:
    newer = approval.model_copy(update={"approved_at": clock.now() + timedelta(hours=1)})
    approvals.approve(newer)
    approvals.approve(approval)
    assert approvals.require(approval.plan) == approval

    clock.advance(timedelta(hours=2))

    assert approvals.require(approval.plan) == newer


def test_the_approval_of_the_account_counts_also_when_it_is_older(
    approvals: Approvals, approval: Approval, clock: FixedClock
) -> None:
    elsewhere = TradingAccount(venue=approval.account.venue, uid="7654321")
    later = {"account": elsewhere, "approved_at": clock.now() + timedelta(hours=1)}
    approvals.approve(approval)
    approvals.approve(approval.model_copy(update=later))
    clock.advance(timedelta(hours=2))

    assert approvals.require(approval.plan, account=approval.account) == approval
    assert approvals.require(approval.plan, account=elsewhere).account == elsewhere
    unknown = elsewhere.model_copy(update={"uid": "1"})
    with pytest.raises(ApprovalError, match="another account, with a different uid"):
        approvals.require(approval.plan, account=unknown)


def test_an_approval_expires(approvals: Approvals, approval: Approval, clock: FixedClock) -> None:
    approvals.approve(approval)
    clock.advance(timedelta(days=7))

    assert reason_of(approvals, approval.plan) == ApprovalRefusal.EXPIRED


def test_of_several_other_plans_the_most_similar_is_named(
    approvals: Approvals, approval: Approval, plan: LivePlan
) -> None:
    changes: list[dict[str, str]] = [
        {"version": "1.1.0", "config": "0" * 64, "run": "0" * 64},
        {"source": "0" * 64},
        {"version": "1.0.0", "engine": "freqtrade 2025.9"},
    ]
    for change in changes:
        other = plan.model_copy(update=change)
        approvals.approve(approval.model_copy(update={"plan": other}))

    with pytest.raises(ApprovalError, match="with a different source;"):
        approvals.require(plan)


def test_a_revoked_approval_does_not_count_any_more(
    approvals: Approvals, approval: Approval, store: MemoryApprovalStore, clock: FixedClock
) -> None:
    approval_id = approvals.approve(approval)
    for _ in range(2):
        approvals.revoke("momentum", approval_id, revoked_by="Ada Example", reason="a test")
        clock.advance(timedelta(seconds=1))

    assert reason_of(approvals, approval.plan) == ApprovalRefusal.REVOKED
    assert [entry.kind for entry in store.entries("momentum")] == ["approval", "revocation"]
    # Neither does it after it is stored again.
    approvals.approve(approval)
    assert reason_of(approvals, approval.plan) == ApprovalRefusal.REVOKED


def test_an_approval_that_was_edited_is_named_beside_one_that_was_revoked(
    approvals: Approvals, approval: Approval, store: MemoryApprovalStore
) -> None:
    approval_id = approvals.approve(approval)
    store.add(replace(only_entry(store), approval_id="0" * 64, data=b"edited"))
    approvals.revoke("momentum", approval_id, revoked_by="Ada Example", reason="a test")

    with pytest.raises(ApprovalError, match=r"was revoked; .* an approval is edited") as caught:
        approvals.require(approval.plan)

    assert caught.value.reason == ApprovalRefusal.REVOKED


def test_another_run_is_explained_by_the_setting_that_a_person_knows(
    approvals: Approvals, approval: Approval, plan: LivePlan
) -> None:
    approvals.approve(approval)

    with pytest.raises(ApprovalError, match=r"a different run; .*, such as run\.exchange_url$"):
        approvals.require(plan.model_copy(update={"run": "0" * 64}))


def test_a_refusal_of_an_unsigned_approval_names_the_variable_of_the_key(
    open_approvals: Open, approval: Approval
) -> None:
    open_approvals(None).approve(approval)

    with pytest.raises(ApprovalError, match="set TRADAI_LIVE_APPROVAL_KEY"):
        open_approvals(None).require(approval.plan)


def test_a_revocation_leaves_other_approvals_alone(
    approvals: Approvals, approval: Approval
) -> None:
    second = approval.model_copy(update={"approver": "Grace Example"})
    approvals.approve(second)
    approval_id = approvals.approve(approval)

    approvals.revoke("momentum", approval_id, revoked_by="Ada Example", reason="a test")

    assert approvals.require(approval.plan) == second


@pytest.mark.parametrize("data", [b"", b"{}", b"not a revocation"])
def test_a_damaged_revocation_revokes_too(
    data: bytes, approvals: Approvals, approval: Approval, store: MemoryApprovalStore
) -> None:
    approvals.approve(approval)
    store.add(replace(only_entry(store), kind="revocation", data=data))

    assert reason_of(approvals, approval.plan) == ApprovalRefusal.REVOKED


def test_a_revoked_approval_does_not_count_under_another_id(
    open_approvals: Open, approval: Approval, store: MemoryApprovalStore
) -> None:
    approval_id = open_approvals().approve(approval)
    copied = replace(only_entry(store), approval_id="0" * 64)
    open_approvals().revoke("momentum", approval_id, revoked_by="Ada Example", reason="a test")
    store.add(copied)
    others = MemoryApprovalStore()
    others.add(copied)

    assert reason_of(open_approvals(), approval.plan) == ApprovalRefusal.REVOKED
    assert reason_of(open_approvals(store=others), approval.plan) == ApprovalRefusal.EDITED


def test_an_unknown_approval_cannot_be_revoked(approvals: Approvals, approval: Approval) -> None:
    approvals.approve(approval)

    with pytest.raises(NotFoundError, match="momentum has no approval of this id"):
        approvals.revoke("momentum", "0" * 64, revoked_by="Ada Example", reason="a test")


class RacingStore:
    """A store to which another process adds a revocation just before ours arrives."""

    def __init__(self, inner: MemoryApprovalStore) -> None:
        self.inner = inner

    def add(self, entry: ApprovalEntry) -> None:
        if entry.kind == "revocation":
            self.inner.add(replace(entry, data=b"the revocation of another process"))
        self.inner.add(entry)

    def entries(self, strategy: str) -> tuple[ApprovalEntry, ...]:
        return self.inner.entries(strategy)


def test_a_revocation_that_another_process_made_first_is_enough(
    open_approvals: Open, approval: Approval, store: MemoryApprovalStore
) -> None:
    approvals = open_approvals(store=RacingStore(store))
    approval_id = approvals.approve(approval)

    approvals.revoke("momentum", approval_id, revoked_by="Ada Example", reason="a test")

    assert reason_of(approvals, approval.plan) == ApprovalRefusal.REVOKED


def test_a_valid_approval_counts_beside_damaged_ones(
    approvals: Approvals, approval: Approval, store: MemoryApprovalStore
) -> None:
    approvals.approve(approval)
    entry = only_entry(store)
    for digit, data in (("0", b"damaged"), ("f", b"{}")):
        store.add(replace(entry, approval_id=digit * 64, data=data))

    assert approvals.require(approval.plan) == approval


def test_an_approval_signed_with_another_key_is_refused(
    open_approvals: Open, approval: Approval
) -> None:
    open_approvals(OTHER_KEY).approve(approval)

    assert reason_of(open_approvals(), approval.plan) == ApprovalRefusal.FORGED
    with pytest.raises(ConflictError):
        open_approvals().approve(approval)


def test_unsigned_approvals_count_only_by_name_and_without_a_key(
    open_approvals: Open, approval: Approval
) -> None:
    open_approvals(None).approve(approval)

    assert reason_of(open_approvals(), approval.plan) == ApprovalRefusal.UNSIGNED
    assert reason_of(open_approvals(None), approval.plan) == ApprovalRefusal.UNSIGNED
    mixed = open_approvals(KEY, allow_unsigned=True)
    assert reason_of(mixed, approval.plan) == ApprovalRefusal.UNSIGNED
    assert open_approvals(None, allow_unsigned=True).require(approval.plan) == approval


@pytest.mark.parametrize(
    ("reference", "error"),
    [(SHORT_KEY, ConfigurationError), (SecretReference("env:ABSENT"), NotFoundError)],
)
def test_an_unusable_key_is_an_error_and_approves_nothing(
    reference: SecretReference,
    error: type[Exception],
    open_approvals: Open,
    approval: Approval,
    store: MemoryApprovalStore,
) -> None:
    with pytest.raises(error):
        open_approvals(reference).approve(approval)
    assert store.entries("momentum") == ()

    open_approvals().approve(approval)

    with pytest.raises(error):
        open_approvals(reference).require(approval.plan)


def test_a_secret_is_not_written_into_a_store(
    approvals: Approvals, approval: Approval, key: Secret, store: MemoryApprovalStore
) -> None:
    leaking = approval.model_copy(update={"approver": f"Ada {key.reveal()}"})
    with pytest.raises(ValidationError, match="approver is not usable"):
        approvals.approve(leaking)
    approval_id = approvals.approve(approval)

    for texts in (("Ada", key.reveal()), (key.reveal(), "a test")):
        with pytest.raises(ValidationError) as caught:
            approvals.revoke("momentum", approval_id, revoked_by=texts[0], reason=texts[1])
        assert key.reveal() not in str(caught.value)

    assert only_entry(store).kind == "approval"


def test_a_listing_says_what_counts_and_why_the_rest_does_not(
    approvals: Approvals,
    store: MemoryApprovalStore,
    approval: Approval,
    plan: LivePlan,
    clock: FixedClock,
) -> None:
    expired = approvals.approve(approval)
    clock.advance(timedelta(days=8))
    later = {"approved_at": clock.now(), "expires_at": clock.now() + timedelta(days=7)}
    revoked = approvals.approve(approval.model_copy(update={**later, "approver": "Bob Example"}))
    approvals.revoke("momentum", revoked, revoked_by="Ada Example", reason="a mistake")
    clock.advance(timedelta(minutes=1))
    newest = approval.model_copy(update={**later, "approved_at": clock.now()})
    good = approvals.approve(newest)
    store.add(_entry(plan.strategy, "d" * 64, b"{}"))

    listing = approvals.listing("momentum")

    assert [listed.approval_id for listed in listing] == [good, revoked, expired, "d" * 64]
    assert [listed.refusal and listed.refusal.reason for listed in listing] == [
        None,
        ApprovalRefusal.REVOKED,
        ApprovalRefusal.EXPIRED,
        ApprovalRefusal.EDITED,
    ]
    assert [listed.counts for listed in listing] == [True, False, False, False]
    assert listing[0].approval == newest
    assert listing[1].revocation is not None
    assert listing[1].revocation.reason == "a mistake"
    assert [listed.is_signed for listed in listing] == [True, True, True, False]
    assert listing[3].approval is None


def test_a_listing_has_a_damaged_revocation_as_one(
    approvals: Approvals, store: MemoryApprovalStore, approval: Approval
) -> None:
    approval_id = approvals.approve(approval)
    entry = ApprovalEntry(
        strategy="momentum", approval_id=approval_id, kind="revocation", data=b"{"
    )
    store.add(entry)

    (listed,) = approvals.listing("momentum")

    assert (listed.is_revoked, listed.revocation, listed.counts) == (True, None, False)


def test_a_strategy_without_approvals_has_an_empty_listing(approvals: Approvals) -> None:
    assert approvals.listing("momentum") == ()


def _entry(strategy: str, approval_id: str, data: bytes) -> ApprovalEntry:
    return ApprovalEntry(strategy=strategy, approval_id=approval_id, kind="approval", data=data)

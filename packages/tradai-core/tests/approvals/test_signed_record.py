"""Signed approvals: any change of any byte or field is refused."""

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, strategies as st

from tradai.core import Secret, canonical_json

# Not public: the bytes are what a person edits, and what every store keeps.
from tradai.core._approvals.signed_record import SignedApproval
from tradai.core.exceptions import ApprovalError, ConfigurationError
from tradai.core.live import (
    Approval,
    ApprovalRefusal,
    LivePlan,
    OrderPolicy,
    RiskLimit,
    RiskMeasure,
    TradingAccount,
)

KEY = "not-a-real-key-for-approvals-0001"
OTHER_KEY = "not-a-real-key-for-approvals-0002"

lines = st.text(
    st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), min_size=1, max_size=20
)
digests = st.text("0123456789abcdef", min_size=64, max_size=64)
numbers = st.decimals(0, 1_000, places=4)
limits = st.fixed_dictionaries(
    dict.fromkeys(
        RiskMeasure,
        numbers.map(lambda halt: RiskLimit(halt=halt))
        | st.just(RiskLimit(release=Decimal(0), pause=Decimal("0.50"), drain=Decimal(1))),
    )
)
instants = st.integers(0, 10**9).map(
    lambda s: datetime(2025, 1, 1, tzinfo=UTC) + timedelta(0, s, s % 7)
)
plans = st.builds(
    LivePlan,
    strategy=st.from_regex("[A-Za-z0-9][A-Za-z0-9._-]{0,9}", fullmatch=True),
    version=st.just("1.2.0"),
    config=digests,
    source=digests,
    side_files=st.none() | digests,
    models=st.none() | digests,
    run=digests,
    engine=lines,
    image=st.none() | lines,
)


@st.composite
def approvals(draw: st.DrawFn) -> Approval:
    begin = draw(instants)
    return Approval(
        plan=draw(plans),
        account=TradingAccount(venue=draw(lines), uid=draw(lines)),
        approver=draw(lines),
        approved_at=begin,
        expires_at=begin + draw(st.timedeltas(timedelta(microseconds=1), timedelta(days=900))),
        stake_currency="USDT",
        largest_stake=draw(st.decimals("0.00000001", 1_000_000, places=8)),
        risk_limits=draw(limits),
        order_policy=draw(st.sampled_from(OrderPolicy)),
    )


def verify(data: bytes, *, key: str | None = KEY, allow_unsigned: bool = False) -> Approval:
    signed = SignedApproval.from_bytes(data, what="momentum")
    signed.check_signature(None if key is None else Secret(key), allow_unsigned=allow_unsigned)
    return signed.approval


def reason_of(data: bytes, *, key: str | None = KEY, allow_unsigned: bool = False) -> str:
    with pytest.raises(ApprovalError) as caught:
        verify(data, key=key, allow_unsigned=allow_unsigned)
    assert caught.value.exit_code == 77
    return caught.value.reason


def recompute(document: dict[str, Any]) -> bytes:
    """Return the bytes of `document` with the digest that its approval has now."""
    digest = hashlib.sha256(canonical_json(document["approval"])).hexdigest()
    return canonical_json({**document, "digest": digest})


@given(approval=approvals())
def test_a_signed_approval_is_read_back_and_verified(approval: Approval) -> None:
    signed = SignedApproval.sign(approval, Secret(KEY))

    assert verify(signed.to_bytes()) == approval


@given(approval=approvals(), data=st.data())
def test_any_edited_byte_is_refused(approval: Approval, data: st.DataObject) -> None:
    original = SignedApproval.sign(approval, Secret(KEY)).to_bytes()
    place = data.draw(st.integers(0, len(original) - 1))
    length = data.draw(st.integers(0, 3))
    edited = original[:place] + data.draw(st.binary(max_size=3)) + original[place + length :]

    if edited != original:
        assert reason_of(edited) in {ApprovalRefusal.EDITED, ApprovalRefusal.FORGED}


def test_each_byte_counts(approval: Approval) -> None:
    for key in (Secret(KEY), None):
        original = SignedApproval.sign(approval, key).to_bytes()
        for place, byte in enumerate(original):
            edited = original[:place] + bytes([byte ^ 1]) + original[place + 1 :]

            assert reason_of(edited) in {ApprovalRefusal.EDITED, ApprovalRefusal.FORGED}


def test_other_spellings_of_the_same_values_are_refused(approval: Approval) -> None:
    original = SignedApproval.sign(approval, Secret(KEY)).to_bytes()
    document = json.loads(original)
    spellings = [
        json.dumps(document).encode(),
        json.dumps(dict(reversed(document.items())), separators=(",", ":")).encode(),
        original.replace(b'"100.5"', b"100.5"),
        original.replace(b'"100.5"', b'"100.50"'),
        original.replace(b"Ada", rb"\u0041da"),
        original.replace(b'"format":1', b'"format":1,"format":1'),
        original.replace(b"00:00:00Z", b"00:00:00+00:00"),
        original + b"\n",
        b"\xef\xbb\xbf" + original,
    ]

    for spelling in spellings:
        assert spelling != original
        assert reason_of(spelling) == ApprovalRefusal.EDITED


@pytest.mark.parametrize("data", [b"", b"{}", b"null", b"\xff", b"[" * 100_000, b'{"a":1e999}'])
def test_bytes_that_are_no_approval_are_refused(data: bytes) -> None:
    assert reason_of(data) == ApprovalRefusal.EDITED


EDITS: dict[str, object] = {
    "account.uid": "7654321",
    "account.venue": "kraken",
    "approved_at": "2024-01-01T00:00:00Z",
    "approver": "Eve Example",
    "expires_at": "2035-01-01T00:00:00Z",
    "largest_stake": "1000000",
    "order_policy": "keep",
    "plan.config": "0" * 64,
    "plan.engine": "freqtrade 2020.1",
    "plan.image": None,
    "plan.models": "0" * 64,
    "plan.run": "0" * 64,
    "plan.side_files": None,
    "plan.source": "0" * 64,
    "plan.strategy": "another",
    "plan.version": "9.9.9",
    "risk_limits.drawdown.halt": "1",
    "risk_limits.drawdown.pause": "0.06",
    "risk_limits.drawdown.release": "0.03",
    "risk_limits.order-rate.halt": "1000",
    "risk_limits.order-rate.drain": "5",
    "stake_currency": "BTC",
    "without_bias_check": "in a hurry",
}


@pytest.mark.parametrize("path", EDITS)
def test_an_edited_field_is_refused_also_with_its_digest_recomputed(
    path: str, approval: Approval
) -> None:
    document = json.loads(SignedApproval.sign(approval, Secret(KEY)).to_bytes())
    *parents, name = path.split(".")
    target = document["approval"]
    for parent in parents:
        target = target[parent]
    assert target.get(name, ...) != EDITS[path]
    target[name] = EDITS[path]

    assert reason_of(canonical_json(document)) == ApprovalRefusal.EDITED
    assert reason_of(recompute(document)) == ApprovalRefusal.FORGED
    unsigned = recompute({**document, "hmac": None})
    assert reason_of(unsigned) == ApprovalRefusal.UNSIGNED


def test_every_field_of_an_approval_is_among_the_edited_ones() -> None:
    edited = {path.split(".")[0] for path in EDITS}
    parts = {path.split(".")[1] for path in EDITS if path.startswith("plan.")}

    # There is one format, so an edited one is not read at all.
    assert edited == set(Approval.model_fields) - {"format"}
    assert parts == set(LivePlan.model_fields)


def test_the_record_of_a_checked_source_has_the_bytes_it_had_before_such_checks(
    approval: Approval,
) -> None:
    unchecked = approval.model_copy(update={"without_bias_check": "in a hurry"})

    before, after = (SignedApproval.sign(each, Secret(KEY)) for each in (approval, unchecked))

    assert b"bias" not in before.to_bytes()
    assert verify(after.to_bytes()).without_bias_check == "in a hurry"
    assert before.digest != after.digest


def test_another_key_or_a_lost_signature_is_refused(approval: Approval) -> None:
    signed = SignedApproval.sign(approval, Secret(KEY)).to_bytes()
    unsigned = SignedApproval.sign(approval, None).to_bytes()

    assert reason_of(signed, key=OTHER_KEY) == ApprovalRefusal.FORGED
    assert reason_of(signed, key=None) == ApprovalRefusal.UNSIGNED
    assert reason_of(unsigned) == ApprovalRefusal.UNSIGNED
    assert reason_of(unsigned, key=None) == ApprovalRefusal.UNSIGNED
    # A signature cannot be taken away while there is a key to verify it with.
    assert reason_of(unsigned, allow_unsigned=True) == ApprovalRefusal.UNSIGNED
    assert reason_of(signed, key=OTHER_KEY, allow_unsigned=True) == ApprovalRefusal.FORGED
    assert verify(unsigned, key=None, allow_unsigned=True) == approval


def test_the_signature_is_hmac_sha256_for_this_purpose_only(approval: Approval) -> None:
    signed = SignedApproval.sign(approval, Secret(KEY))
    payload = canonical_json(approval.model_dump(mode="json"))

    expected = hmac.new(KEY.encode(), b"tradai approval 1\n" + payload, "sha256").hexdigest()
    assert signed.hmac == expected
    assert signed.digest == hashlib.sha256(payload).hexdigest()


def test_a_short_key_is_refused_and_not_shown(approval: Approval) -> None:
    with pytest.raises(ConfigurationError, match="at least 32 bytes") as caught:
        SignedApproval.sign(approval, Secret("fake-short-key"))

    assert "fake-short-key" not in str(caught.value)

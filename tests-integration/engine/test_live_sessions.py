"""LIVE with the real engine on the loopback exchange: refused without approval, traded with one."""

import re
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest
from engine.live_desk import TERMS, Desk
from engine.venue.control import Venue
from engine.venue.keys import READER, TRADER, WITHDRAWER, ApiKey

from tradai.core import TradingMode, utc_now
from tradai.entrypoint import RunManifest

NOT_PERMITTED: Final = 77
SIGNED_READS: Final = {
    "GET /api/v3/account",
    "GET /sapi/v1/account/apiRestrictions",
    "GET /api/v3/openOrders",
}


@pytest.fixture
def desk(tmp_path: Path, venue: Venue, environ: dict[str, str], engine_bin: Path) -> Desk:
    """A desk at which nothing is approved yet."""
    return Desk(tmp_path, venue, environ, engine_bin / "tradai-entrypoint")


def test_an_approved_plan_trades_under_its_prefix_and_its_books_agree_after_the_stop(
    desk: Desk, venue: Venue
) -> None:
    venue.set(prices={"ETHUSDT": 3_000})
    desk.approve()
    venue.reset()
    venue.set(prices={"ETHUSDT": 3_000})

    session = desk.start("run")
    desk.wait_for(session, lambda: len(venue.orders()) >= 2)
    session.send_signal(signal.SIGTERM)
    code = session.wait(300)

    log = (desk.folder / "session.log").read_text()
    assert code == 0, log
    manifest = desk.manifest()
    prefix = manifest["live"]["order_prefix"]
    orders = venue.orders()
    assert {row["clientOrderId"][: len(prefix)] for row in orders} == {prefix}
    kept = {str(row["orderId"]) for row in orders if row["status"] != "CANCELED"}
    assert {str(row[0]) for row in desk.booked("SELECT order_id FROM orders")} == kept
    results = manifest["results"]
    assert results["orders_in_database"] == results["orders_in_journal"] - results["orders_removed"]
    assert "loopback, no money" in log
    assert manifest["live"]["account"] == "binance:4242424242"
    texts = [path.read_bytes() for path in desk.folder.rglob("*") if path.is_file()]
    assert not any(TRADER.secret.encode() in text or TRADER.key.encode() in text for text in texts)


def test_no_signed_request_is_sent_before_the_approval_counts_and_no_order_without_it(
    desk: Desk, venue: Venue
) -> None:
    outcome = desk.run("run")
    desk.environ["TRADAI_LIVE_CONFIRM"] = "trips@1.0.0:01234567"
    other = desk.run("run")

    assert outcome.returncode == other.returncode == NOT_PERMITTED, outcome.stderr
    assert "TRADAI_LIVE_CONFIRM is not set" in outcome.stderr
    assert "TRADAI_LIVE_CONFIRM does not confirm it" in other.stderr
    assert desk.manifest()["exit_code"] == NOT_PERMITTED
    assert venue.signed() == {}


@pytest.mark.parametrize(
    ("key", "word"),
    [
        (READER, "the key may not trade on the spot market"),
        (WITHDRAWER, "the key may withdraw"),
    ],
    ids=["read-only", "may withdraw"],
)
def test_a_session_that_is_refused_after_the_approval_has_sent_reads_alone(
    desk: Desk, venue: Venue, key: ApiKey, word: str
) -> None:
    desk.approve()
    venue.reset()
    desk.use(key)

    outcome = desk.run("run")

    assert outcome.returncode == NOT_PERMITTED, outcome.stderr
    assert word in outcome.stderr
    assert desk.manifest()["verdict"] in outcome.stderr
    signed = venue.signed()
    assert signed.keys() <= SIGNED_READS
    assert sum(signed.values()) <= 8


def test_a_check_lists_the_missing_steps_and_then_none(desk: Desk, venue: Venue) -> None:
    del desk.environ["TRADAI_LIVE_DRY_RUN_HOURS"]
    before = desk.run("check")
    desk.environ["TRADAI_LIVE_DRY_RUN_HOURS"] = "0"
    desk.approve()
    venue.reset()
    after = desk.run("check")

    assert before.returncode == NOT_PERMITTED
    rows = _rows(before.stdout)
    assert [name for name, status in rows.items() if status == "fail"] == [
        *("confirmation", "approval", "dry-run")
    ]
    assert rows["account"] == rows["key rights"] == rows["stake"] == rows["order prefix"] == "ok"
    assert "tradai-entrypoint approve" in before.stdout
    assert "next: tradai-entrypoint run CONFIG --mode dry-run" in before.stdout
    assert after.returncode == 0, after.stdout
    assert set(_rows(after.stdout).values()) <= {"ok", "warn"}
    assert venue.signed().keys() <= SIGNED_READS


def test_a_plan_is_shown_beside_the_last_dry_run_and_approved_only_by_its_digest(
    desk: Desk,
) -> None:
    earlier = RunManifest(
        state="ended",
        run_id="dry-run-1",
        trace_id="dry-run-1",
        mode=TradingMode.DRY_RUN,
        started_at=utc_now(),
        config={"name": "trips", "timeframe": "5m"},
    )
    (desk.runs / "dry-run-1").mkdir(parents=True)
    (desk.runs / "dry-run-1" / "manifest.json").write_text(earlier.as_json())

    outcome = desk.run("approve", *TERMS, typed="yes\n")

    assert re.search(r"difference\s+dry-run dry-run-1\s+this plan", outcome.stdout)
    assert re.search(r"config\.timeframe\s+5m\s+1m", outcome.stdout)
    assert "loopback, no money" in outcome.stdout

    assert outcome.returncode == NOT_PERMITTED
    assert "its digest was not typed" in outcome.stderr
    assert not (desk.folder / "approvals").exists()


def test_a_source_is_approved_after_a_clean_check_for_bias_or_with_a_reason(desk: Desk) -> None:
    at = TERMS.index("--without-bias-check")
    reason = TERMS[at + 1]
    terms = TERMS[:at] + TERMS[at + 2 :]

    refused = desk.run("approve", *terms, typed="")
    unchecked = desk.run("approve", *TERMS, typed="")
    found = re.search(r"^source\s+([0-9a-f]{64})", unchecked.stdout, re.MULTILINE)
    assert found, unchecked.stderr
    _record_clean_check(desk.runs / "20250101T000000Z-bias-1", source=found[1])
    checked = desk.run("approve", *terms, typed="")

    assert refused.returncode == NOT_PERMITTED
    assert "never done for this source" in refused.stderr
    assert "digest" not in refused.stdout
    assert re.search(rf"^bias check\s+without: {reason}$", unchecked.stdout, re.MULTILINE)
    assert re.search(
        r"^bias check\s+clean, .*-bias-1, with another configuration$", checked.stdout, re.MULTILINE
    )


def _record_clean_check(folder: Path, *, source: str) -> None:
    check = RunManifest(
        state="ended",
        run_id=folder.name,
        trace_id=folder.name,
        mode=TradingMode.BACKTEST,
        started_at=utc_now(),
        digests={"source": source},
        results={"bias": "clean"},
        exit_code=0,
    )
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(check.as_json())


def _rows(table: str) -> Mapping[str, str]:
    found = re.findall(r"^(\S.*?)\s{2,}(ok|warn|fail|skip|raises|timeout)\s", table, re.MULTILINE)
    return dict(found)

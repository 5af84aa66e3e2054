"""The terms of an approval on the command line: each is refused by name when it is not usable."""

import argparse
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tradai.core import TradingMode
from tradai.core.exceptions import ConfigurationError, TradingError
from tradai.core.live import OrderPolicy, RiskMeasure
from tradai.entrypoint import RunManifest
from tradai.entrypoint._cli import build_parser

# Not through the door: the plan before it needs a real exchange.
from tradai.entrypoint._commands.live.approve import bias_check
from tradai.entrypoint._commands.live.terms import ApprovalTerms

LIMITS = [f"{measure}:halt=1" for measure in RiskMeasure]


def terms(**changes: object) -> ApprovalTerms:
    given: dict[str, Any] = {
        "approver": "Ada Example",
        "expires_in": "7d",
        "largest_stake": "100",
        "order_policy": "keep",
        "limit": LIMITS,
        "without_bias_check": None,
    }
    return ApprovalTerms.of(argparse.Namespace(**(given | changes)))


def test_the_terms_are_read_from_flags() -> None:
    others = [limit for limit in LIMITS if not limit.startswith("drawdown:")]
    read = terms(limit=[*others, "drawdown:release=0.03,pause=0.05,halt=0.1"])

    assert read.lasts == timedelta(days=7)
    assert read.order_policy is OrderPolicy.KEEP
    drawdown = read.risk_limits[RiskMeasure.DRAWDOWN]
    assert (drawdown.release, drawdown.pause) == (Decimal("0.03"), Decimal("0.05"))
    assert (drawdown.drain, drawdown.halt) == (None, Decimal("0.1"))


def test_a_second_limit_of_a_measure_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="--limit is given twice for drawdown"):
        terms(limit=[*LIMITS, "drawdown:halt=0.1"])


@pytest.mark.parametrize("text", ["", "7", "7 days", "0d", "-1d", "1M", "forever"])
def test_a_duration_that_has_no_length_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="--expires-in"):
        terms(expires_in=text)


@pytest.mark.parametrize(
    "text",
    [
        *("", "drawdown", "drawdown:", "drawdown:halt", "drawdown:halt=", "drawdown:halt=x"),
        *("drawdown:hlat=1", "drawdown:halt=1,halt=2", "drawdown:pause=1", "losses:halt=1"),
        *("drawdown:halt=NaN", "drawdown:halt=-1", "drawdown:drain=2,halt=1"),
        "drawdown:release=2,pause=1",
    ],
)
def test_a_limit_that_is_not_usable_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="--limit"):
        terms(limit=[*LIMITS, text])


@pytest.mark.parametrize(
    "text",
    ["drawdown:halt=1.5", "daily-loss:drain=0.5,halt=2", "order-rate:drain=1e999999"],
)
def test_a_limit_that_is_never_reached_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"--limit .* would never act: expected at most"):
        terms(limit=[text])


@pytest.mark.parametrize(
    "left_out", ["--approver", "--expires-in", "--largest-stake", "--order-policy", "--limit"]
)
def test_no_term_has_a_default(left_out: str, capsys: pytest.CaptureFixture[str]) -> None:
    flags = {
        "--approver": "Ada Example",
        "--expires-in": "7d",
        "--largest-stake": "100",
        "--order-policy": "keep",
        "--limit": LIMITS[0],
    }
    words = [word for flag in flags.items() if flag[0] != left_out for word in flag]

    with pytest.raises(SystemExit):
        build_parser().parse_args(["approve", "live.yaml", *words])

    assert left_out in capsys.readouterr().err


def analysed(root: Path, bias: str) -> RunManifest:
    """The record of an analysis of a source for bias, in the folder of runs `root`."""
    run_id = "20260131T120000Z-bias-00000000"
    manifest = RunManifest(
        state="ended",
        run_id=run_id,
        trace_id=run_id,
        mode=TradingMode.BACKTEST,
        started_at=datetime(2026, 1, 31, 12, tzinfo=UTC),
        exit_code=0,
        digests={"source": "5" * 64},
        results={"bias": bias},
    )
    (root / run_id).mkdir()
    (root / run_id / "manifest.json").write_text(manifest.as_json())
    return manifest


def test_a_reason_to_go_without_a_check_is_refused_where_a_clean_one_stands(
    tmp_path: Path,
) -> None:
    planned = analysed(tmp_path, "clean")

    assert bias_check(tmp_path, planned, terms()).startswith("clean, 2026-01-31 12:00 UTC")
    with pytest.raises(ConfigurationError, match="leave --without-bias-check out"):
        bias_check(tmp_path, planned, terms(without_bias_check="seen by eye"))


def test_a_reason_stands_for_a_check_that_is_not_clean(tmp_path: Path) -> None:
    planned = analysed(tmp_path, "found")

    with pytest.raises(TradingError, match="without a clean check for bias"):
        bias_check(tmp_path, planned, terms())
    reason = terms(without_bias_check="seen by eye")
    assert bias_check(tmp_path, planned, reason) == "without: seen by eye"

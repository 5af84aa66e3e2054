"""The terms of an approval on the command line: each is refused by name when it is not usable."""

import argparse
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from tradai.core.exceptions import ConfigurationError
from tradai.core.live import OrderPolicy, RiskMeasure
from tradai.entrypoint._cli import build_parser
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

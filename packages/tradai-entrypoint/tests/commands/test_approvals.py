"""The commands `approvals list`, `approvals show` and `approvals revoke`, with a folder."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tradai.core import SystemClock
from tradai.core.live import Approval
from tradai.entrypoint import ExitCode, Interrupts, LiveSettings
from tradai.entrypoint._cli import run_command
from tradai.entrypoint._live.live_places import approvals_of

MEASURES = ("drawdown", "daily-loss", "order-rate", "rejected-orders", "callback-errors")


def call(*words: str) -> int:
    return run_command(["approvals", *words], interrupts=Interrupts())


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TRADAI_LIVE_APPROVALS", str(tmp_path / "approvals"))
    monkeypatch.setenv("TRADAI_LIVE_APPROVAL_KEY", "env:APPROVAL_KEY")
    monkeypatch.setenv("APPROVAL_KEY", "not-a-real-key-for-approvals-0001")
    return tmp_path / "approvals"


def approve(*, approver: str = "Ada Example", days_ago: float = 0) -> str:
    """Approve a plan for a week, and return the id of the approval."""
    at = SystemClock().now() - timedelta(days=days_ago)
    plan = {
        "strategy": "Momentum",
        "version": "1.2.0",
        "engine": "freqtrade 2025.10",
        "config": "c" * 64,
        "source": "5" * 64,
        "run": "e" * 64,
        **dict.fromkeys(("side_files", "models", "image")),
    }
    approval = Approval.model_validate(
        {
            "plan": plan,
            "account": {"venue": "binance", "uid": "1234567"},
            "approver": approver,
            "approved_at": at,
            "expires_at": at + timedelta(days=7),
            "stake_currency": "USDT",
            "largest_stake": "100.50",
            "risk_limits": {name: {"halt": "10"} for name in MEASURES},
            "order_policy": "keep",
        }
    )
    return approvals_of(LiveSettings()).approve(approval)


@pytest.fixture
def answer(capsys: pytest.CaptureFixture[str]) -> Callable[[], Any]:
    return lambda: json.loads(capsys.readouterr().out)


def test_a_list_has_the_newest_first_and_says_what_counts(
    capsys: pytest.CaptureFixture[str],
) -> None:
    old, new = approve(days_ago=8), approve()

    assert call("list", "Momentum") == 0

    head, first, second = capsys.readouterr().out.splitlines()
    assert head.split()[:2] == ["approval", "version"]
    assert first.startswith(new[:12])
    assert first.endswith("yes")
    assert second.startswith(old[:12])
    assert second.endswith("no: expired")


def test_of_two_approvals_that_count_the_list_says_that_the_newer_one_is_used(
    capsys: pytest.CaptureFixture[str],
) -> None:
    approve(days_ago=1)
    new = approve()

    assert call("list", "Momentum") == 0

    _, first, second = capsys.readouterr().out.splitlines()
    assert first.startswith(new[:12])
    assert first.endswith("  yes")
    assert second.endswith("  yes, but a newer one is used")


def test_json_has_the_record_and_the_reason(answer: Callable[[], Any]) -> None:
    approve(days_ago=8)

    assert call("list", "Momentum", "--json") == 0

    (listed,) = answer()
    assert listed["approval"]["account"] == {"venue": "binance", "uid": "1234567"}
    assert listed["confirmation"].startswith("Momentum@1.2.0:")
    assert (listed["counts"], listed["reason"]) == (False, "expired")
    assert "approve it again" in listed["sentence"]


def test_a_strategy_without_approvals_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("list", "Momentum") == 0

    assert capsys.readouterr().out == "Momentum has no approvals\n"


def test_an_approval_is_shown_by_the_beginning_of_its_id(
    capsys: pytest.CaptureFixture[str],
) -> None:
    approval_id = approve()

    assert call("show", "Momentum", approval_id[:8]) == 0

    shown = dict(
        line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines() if " " in line
    )
    assert shown["approval"] == approval_id
    assert shown["approver"] == "Ada Example"
    assert shown["account"] == "binance:1234567"


def test_an_approval_is_shown_with_its_limits_as_approve_prints_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    approval_id = approve()

    assert call("show", "Momentum", approval_id) == 0

    assert re.search("^limit of order-rate +halt 10$", capsys.readouterr().out, re.MULTILINE)


def test_an_approval_that_is_not_there_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    approve()

    assert call("show", "Momentum", "xyz") == ExitCode.DATA
    assert "approvals list Momentum" in capsys.readouterr().err


def test_a_prefix_of_several_ids_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    ids = [approve(approver=f"person {number}") for number in range(17)]
    first = next(x[0] for x in ids if sum(other[0] == x[0] for other in ids) > 1)

    assert call("show", "Momentum", first) == ExitCode.DATA
    assert "more digits" in capsys.readouterr().err


def test_a_revoked_approval_says_by_whom_and_why(
    capsys: pytest.CaptureFixture[str], answer: Callable[[], Any]
) -> None:
    approval_id = approve()

    assert call("revoke", "Momentum", approval_id, "--reason", "a mistake", "--by", "Bob") == 0
    assert "tradai-entrypoint stop" in capsys.readouterr().out

    assert call("show", "Momentum", approval_id, "--json") == 0
    listed = answer()
    assert (listed["counts"], listed["reason"], listed["is_revoked"]) == (False, "revoked", True)
    assert listed["revocation"]["revoked_by"] == "Bob"
    assert listed["revocation"]["reason"] == "a mistake"
    assert call("show", "Momentum", approval_id) == 0
    assert "by Bob at " in capsys.readouterr().out


def test_revoking_needs_no_key(monkeypatch: pytest.MonkeyPatch, answer: Callable[[], Any]) -> None:
    approval_id = approve()
    monkeypatch.delenv("APPROVAL_KEY")

    assert call("list", "Momentum") == ExitCode.DATA
    revoke = ("revoke", "Momentum", approval_id, "--reason", "a mistake", "--json")

    assert call(*revoke, "--by", "Bob") == 0
    assert answer() == {"approval_id": approval_id, "is_revoked": True}


def test_an_edited_approval_is_listed_and_can_be_revoked(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    approval_id = approve()
    file = folder / "Momentum" / approval_id / "approval.json"
    file.write_bytes(file.read_bytes().replace(b"100.5", b"900.5"))

    assert call("list", "Momentum") == 0
    assert capsys.readouterr().out.endswith("no: edited\n")
    assert call("show", "Momentum", approval_id) == 0
    assert "was changed after it was written" in capsys.readouterr().out
    assert call("revoke", "Momentum", approval_id, "--reason", "forgery", "--by", "Bob") == 0


def test_a_revocation_that_cannot_be_read_is_shown_as_one(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    approval_id = approve()
    (folder / "Momentum" / approval_id / "revocation.json").write_text("{")

    assert call("show", "Momentum", approval_id) == 0
    assert "yes, by a record that cannot be read" in capsys.readouterr().out


def test_without_a_place_the_setting_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("TRADAI_LIVE_APPROVALS")

    assert call("list", "Momentum") == ExitCode.CONFIGURATION
    assert "TRADAI_LIVE_APPROVALS is not set" in capsys.readouterr().err

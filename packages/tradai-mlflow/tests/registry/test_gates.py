from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Final

import pytest
from hypothesis import given, strategies as st

from tradai.core import StrategyConfig, digest
from tradai.core.exceptions import ConfigurationError
from tradai.mlflow import (
    GateContext,
    GateSubject,
    ModelFile,
    ModelRecord,
    PromotionPolicy,
    PromotionReport,
    VersionContent,
)

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
FILE = ModelFile(path="strategy/trend.py", sha256="c" * 64, size=7)
STORED: dict[str, int | None] = {FILE.path: FILE.size}


def subject(
    version: int = 2,
    metrics: Mapping[str, float] = MappingProxyType({}),
    *,
    stored: dict[str, int | None] | None = None,
    pairs: tuple[str, ...] = ("BTC/USDT",),
    data_until: datetime | None = NOW - timedelta(days=3),
) -> GateSubject:
    config = StrategyConfig(
        name="trend",
        version="1.0.0",
        timeframe="15m",
        pairs=pairs,
        strategy={"class": "Trend", "source": "strategies"},
    )
    record = ModelRecord(
        config_digest=digest(config.canonical()),
        files=(FILE,),
        metrics=metrics,
        data_until=data_until,
        registered_at=NOW,
    )
    return GateSubject(
        name="trend",
        version=version,
        content=VersionContent(config=config, record=record),
        stored=STORED if stored is None else stored,
    )


def report(
    policy: dict[str, object], candidate: GateSubject, champion: GateSubject | None = None
) -> PromotionReport:
    context = GateContext(candidate=candidate, champion=champion, now=NOW)
    gates = PromotionPolicy.model_validate(policy).gates()
    return PromotionReport.of(gates, context, alias="champion")


def refused(result: PromotionReport) -> dict[str, str]:
    return {each.gate: each.reason for each in result.outcomes if not each.passed}


def test_without_a_policy_the_configuration_and_the_files_are_checked() -> None:
    result = report({}, subject())

    assert result.passed
    assert [each.gate for each in result.outcomes] == ["config_valid", "artifacts_present"]


@pytest.mark.parametrize(
    ("policy", "metrics", "reason"),
    [
        ({"min_trades": 100}, {"trades": 99}, "trades is 99, below 100"),
        ({"min_trades": 100}, {}, "the candidate has no trades"),
        (
            {"metrics": {"profit_factr": {"min": 1}}},
            {"profit_factor": 1.5},
            "the candidate has no profit_factr; did you mean 'profit_factor'?",
        ),
        (
            {"max_drawdown": 20},
            {"max_drawdown_percent": 20.5},
            "max_drawdown_percent is 20.5, of closed trades alone, above 20",
        ),
        (
            {"max_drawdown": 20},
            {"max_drawdown_percent": 19, "equity_drawdown_percent": 20.5},
            "equity_drawdown_percent is 20.5, with open positions, above 20",
        ),
        ({"max_drawdown": 20}, {}, "the candidate has no equity_drawdown_percent"),
        ({"metrics": {"sharpe": {"min": 1}}}, {"sharpe": 0.5}, "sharpe is 0.5, below 1"),
        ({"metrics": {"sharpe": {"max": 9}}}, {"sharpe": 12}, "sharpe is 12, above 9"),
    ],
)
def test_a_figure_out_of_bounds_or_missing_is_refused_with_its_value(
    policy: dict[str, object], metrics: dict[str, float], reason: str
) -> None:
    assert list(refused(report(policy, subject(2, metrics))).values()) == [reason]


@pytest.mark.parametrize(
    ("metrics", "reason"),
    [
        ({"max_drawdown_percent": 20}, "max_drawdown_percent is 20, of closed trades alone"),
        (
            {"max_drawdown_percent": 25, "equity_drawdown_percent": 20},
            "equity_drawdown_percent is 20, with open positions",
        ),
    ],
)
def test_a_drawdown_at_its_bound_passes_and_says_which_it_is(
    metrics: dict[str, float], reason: str
) -> None:
    result = report({"max_drawdown": 20}, subject(2, metrics))

    found = {each.gate: (each.passed, each.reason) for each in result.outcomes}
    assert found["max_drawdown"] == (True, reason)


@given(value=st.floats(allow_nan=False), low=st.floats(-1e6, 1e6), high=st.floats(-1e6, 1e6))
def test_a_threshold_passes_exactly_the_values_between_its_bounds(
    value: float, low: float, high: float
) -> None:
    candidate = subject()
    assert candidate.content is not None
    record = candidate.content.record.model_copy(update={"metrics": {"sharpe": value}})
    content = VersionContent(config=candidate.content.config, record=record)
    candidate = GateSubject(name="trend", version=2, content=content, stored=STORED)

    result = report({"metrics": {"sharpe": {"min": low, "max": high}}}, candidate)

    assert result.passed is (low <= value <= high)


LEAD: dict[str, object] = {"better_than_champion_by": {"metric": "profit_percent", "by": 1}}
LOWER: dict[str, object] = {
    "better_than_champion_by": {
        "metric": "max_drawdown_percent",
        "by": 1,
        "lower_is_better": True,
    }
}


@pytest.mark.parametrize(
    ("policy", "mine", "theirs", "passed"),
    [
        (LEAD, {"profit_percent": 6}, {"profit_percent": 5}, True),
        (LEAD, {"profit_percent": 5.9}, {"profit_percent": 5}, False),
        (LEAD, {"profit_percent": 4}, {"profit_percent": 5}, False),
        (LEAD, {}, {"profit_percent": 5}, False),
        (LEAD, {"profit_percent": 6}, {}, False),
        (LOWER, {"max_drawdown_percent": 8}, {"max_drawdown_percent": 9}, True),
        (LOWER, {"max_drawdown_percent": 9}, {"max_drawdown_percent": 8}, False),
    ],
)
def test_a_candidate_must_lead_the_champion_by_the_margin(
    policy: dict[str, object], mine: dict[str, float], theirs: dict[str, float], *, passed: bool
) -> None:
    assert report(policy, subject(2, mine), subject(1, theirs)).passed is passed


def test_the_first_champion_needs_no_lead_and_the_report_says_so() -> None:
    result = report(LEAD, subject(2, {"profit_percent": 6}))

    assert result.passed
    assert "profit_percent is 6; there is no champion" in str(result)


@pytest.mark.parametrize(
    ("stored", "reason"),
    [
        ({}, "missing: strategy/trend.py"),
        ({FILE.path: 6}, "of another size: strategy/trend.py"),
    ],
)
def test_a_file_that_is_missing_or_cut_on_the_server_is_refused(
    stored: dict[str, int | None], reason: str
) -> None:
    assert refused(report({}, subject(stored=stored))) == {"artifacts_present": reason}


def test_a_pattern_without_a_file_is_refused() -> None:
    policy: dict[str, object] = {"artifacts_present": ["strategy/*.py", "models/*"]}

    assert refused(report(policy, subject())) == {"artifacts_present": "missing: models/*"}


@pytest.mark.parametrize(
    ("days", "passed"), [(3, True), (30, True), (31, False), (-1, False), (None, False)]
)
def test_candles_must_be_young_and_of_the_past(days: int | None, *, passed: bool) -> None:
    until = None if days is None else NOW - timedelta(days=days)

    assert report({"data_age": "30d"}, subject(data_until=until)).passed is passed


def test_a_version_whose_tags_cannot_be_used_is_refused_by_every_gate_that_needs_them() -> None:
    broken = GateSubject(name="trend", version=2, content=None, problem="a tag", stored=STORED)

    assert refused(report({"min_trades": 1}, broken)) == {
        "config_valid": "a tag",
        "artifacts_present": "a tag",
        "min_trades": "the candidate has no trades",
    }


def test_a_configuration_without_pairs_is_refused() -> None:
    assert refused(report({}, subject(pairs=()))) == {
        "config_valid": "the configuration names no pairs"
    }


def test_the_report_is_a_heading_and_a_line_for_each_gate() -> None:
    result = report({"min_trades": 100}, subject(2, {"trades": 5}), subject(1))

    assert str(result).splitlines() == [
        "trend version 2 as champion (now version 1): 1 of 3 gates refuse",
        "  pass  config_valid       the configuration is valid and has its digest",
        "  pass  artifacts_present  all 1 files are on the server",
        "  FAIL  min_trades         trades is 5, below 100",
    ]


def test_the_digest_of_a_report_depends_on_every_decision() -> None:
    digests = {
        report({"min_trades": 5}, subject(2, {"trades": count})).digest for count in (4, 5, 5)
    }

    assert len(digests) == 2


def test_a_policy_is_read_from_yaml(tmp_path: Path) -> None:
    file = tmp_path / "gates.yaml"
    file.write_text("min_trades: 100\nmetrics:\n  sharpe: {min: 0.5}\ndata_age: 30d\n")

    policy = PromotionPolicy.read(file)

    assert policy.min_trades == 100
    assert len(policy.gates()) == 5


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("min_trade: 1", "min_trade is not a gate we know; did you mean 'min_trades'?"),
        ("min_trades:", "min_trades has no value; write one, or remove the line"),
        ("min_trades: 0", "min_trades must be greater than or equal to 1"),
        ("max_drawdown: 200", "max_drawdown must be less than or equal to 100"),
        (
            "better_than_champion_by: {metric: sharpe, by: 1, lower_is_beter: true}",
            "lower_is_beter is not an option of this gate; did you mean 'lower_is_better'?",
        ),
        (
            "metrics: {sharpe: {maxx: 1}}",
            "metrics.sharpe.maxx is not an option of this gate; did you mean 'max'?",
        ),
        ("metrics: {sharpe: {}}", "metrics.sharpe must be min, max or both"),
        ("data_age: soon", "data_age must be a whole number"),
        ("better_than_champion_by: {metric: sharpe}", "better_than_champion_by.by is missing"),
        ("metrics: {sharpe: {min: .nan}}", ""),
    ],
)
def test_a_policy_with_a_mistake_is_refused_by_its_place(
    text: str, problem: str, tmp_path: Path
) -> None:
    file = tmp_path / "gates.yaml"
    file.write_text(text)

    with pytest.raises(ConfigurationError) as caught:
        PromotionPolicy.read(file)

    assert f"{file}" in str(caught.value)
    assert problem in str(caught.value)


WEEKDAY_GATE: Final = """
from tradai.mlflow import GateContext, GateOutcome

class WeekdayGate:
    def __init__(self, options):
        self.days = options["days"]

    def check(self, context):
        day = f"{context.now:%a}"
        return GateOutcome(gate="weekday", passed=day in self.days, reason=f"it is {day}")
"""


def test_a_gate_of_another_distribution_is_found_by_its_entry_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "desk_gates.py").write_text(WEEKDAY_GATE)
    metadata = tmp_path / "desk_gates-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Name: desk-gates\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[tradai.gates]\nweekday = desk_gates:WeekdayGate\n")
    monkeypatch.syspath_prepend(tmp_path)

    result = report({"custom": {"weekday": {"days": ["Mon", "Tue"]}}}, subject())

    assert refused(result) == {"weekday": "it is Sun"}


def test_a_gate_that_is_not_installed_is_refused_by_its_name() -> None:
    policy = PromotionPolicy.model_validate({"custom": {"weekday": {}}})

    with pytest.raises(ConfigurationError, match=r"no gate custom\.weekday is installed; install"):
        policy.gates()


def test_a_version_without_files_is_refused() -> None:
    full = subject()
    assert full.content is not None
    record = full.content.record.model_copy(update={"files": ()})
    empty = replace(full, content=replace(full.content, record=record))

    assert refused(report({}, empty)) == {"artifacts_present": "the version has no files"}


@pytest.mark.parametrize(
    "text", ["", "# gates\n", "{}\n", "metrics: {}\n", "artifacts_present: []\ncustom: {}\n"]
)
def test_a_policy_without_a_gate_is_refused(text: str, tmp_path: Path) -> None:
    file = tmp_path / "gates.yaml"
    file.write_text(text)

    with pytest.raises(ConfigurationError, match=r"gates\.yaml: it declares no gate; name one"):
        PromotionPolicy.read(file)

"""Gates: rules that a version must pass before an alias may point at it."""

import fnmatch
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol, final

from tradai.core import Timeframe, did_you_mean
from tradai.mlflow._registry.record import DRAWDOWNS
from tradai.mlflow._registry.version_tags import VersionContent

_TRADES: Final = "trades"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class GateSubject:
    """A version as the gates see it.

    Attributes:
        name: Name of the model.
        version: Number of the version.
        content: Content of its tags; None when they cannot be used.
        problem: Reason for that, as a sentence; empty otherwise.
        stored: Files that the server has, with their size where it says so.
    """

    name: str
    version: int
    content: VersionContent | None
    problem: str = ""
    stored: Mapping[str, int | None]

    def metric(self, name: str) -> float | None:
        """Return a figure of the run that proves the version, if it has that."""
        return self.content.record.metrics.get(name) if self.content else None

    def lacks(self, name: str) -> str:
        """Return the sentence that the candidate has no figure `name`, with the closest one."""
        known = self.content.record.metrics if self.content else ()
        return f"the candidate has no {name}{did_you_mean(name, known)}"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class GateContext:
    """Facts that gates judge.

    Attributes:
        candidate: The version that is to be promoted.
        champion: The version that the alias points at; None when there is none.
        now: The present instant.
    """

    candidate: GateSubject
    champion: GateSubject | None
    now: datetime


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class GateOutcome:
    """The decision of one gate, with its reason as a sentence."""

    gate: str
    passed: bool
    reason: str


class Gate(Protocol):
    """A rule for promotions; those of other distributions are entry points ``tradai.gates``."""

    def check(self, context: GateContext, /) -> GateOutcome:
        """Return the decision on the candidate; an error that is raised stops the promotion."""
        ...


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class MetricGate:
    """Requires a figure of the candidate between two bounds, both included."""

    gate: str
    metric: str
    least: float | None = None
    most: float | None = None

    def check(self, context: GateContext) -> GateOutcome:
        """Judge the figure; a missing one fails."""
        value = context.candidate.metric(self.metric)
        if value is None:
            return self._outcome(context.candidate.lacks(self.metric), passed=False)
        if self.least is not None and value < self.least:
            return self._outcome(f"{self.metric} is {value:g}, below {self.least:g}", passed=False)
        if self.most is not None and value > self.most:
            return self._outcome(f"{self.metric} is {value:g}, above {self.most:g}", passed=False)
        return self._outcome(f"{self.metric} is {value:g}", passed=True)

    def _outcome(self, reason: str, *, passed: bool) -> GateOutcome:
        return GateOutcome(gate=self.gate, passed=passed, reason=reason)


def min_trades(least: int) -> MetricGate:
    """Return the gate that requires a number of trades."""
    return MetricGate(gate="min_trades", metric=_TRADES, least=least)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class MaxDrawdown:
    """Requires a fall of at most `most` percent, with open positions where that is known."""

    most: float

    def check(self, context: GateContext) -> GateOutcome:
        """Judge the fall; a missing one fails."""
        content = context.candidate.content
        known = content.record.drawdown if content else None
        if known is None:
            return self._outcome(context.candidate.lacks(next(iter(DRAWDOWNS))), passed=False)
        name, fall = known
        reason = f"{name} is {fall:g}, {DRAWDOWNS[name]}"
        if fall > self.most:
            return self._outcome(f"{reason}, above {self.most:g}", passed=False)
        return self._outcome(reason, passed=True)

    def _outcome(self, reason: str, *, passed: bool) -> GateOutcome:
        return GateOutcome(gate="max_drawdown", passed=passed, reason=reason)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class BetterThanChampion:
    """Requires a figure that is better than that of the champion by a margin."""

    metric: str
    margin: float
    lower_is_better: bool = False

    def check(self, context: GateContext) -> GateOutcome:
        """Judge the difference; without a champion, a candidate with the figure passes."""
        mine = context.candidate.metric(self.metric)
        if mine is None:
            return self._outcome(context.candidate.lacks(self.metric), passed=False)
        if context.champion is None:
            return self._outcome(f"{self.metric} is {mine:g}; there is no champion", passed=True)
        theirs = context.champion.metric(self.metric)
        if theirs is None:
            reason = f"version {context.champion.version}, the champion, has no {self.metric}"
            return self._outcome(reason, passed=False)
        lead = theirs - mine if self.lower_is_better else mine - theirs
        reason = (
            f"{self.metric} is {mine:g} against {theirs:g} of version {context.champion.version}: "
            f"{'better' if lead >= 0 else 'worse'} by {abs(lead):g}, required {self.margin:g}"
        )
        return self._outcome(reason, passed=lead >= self.margin)

    def _outcome(self, reason: str, *, passed: bool) -> GateOutcome:
        return GateOutcome(gate="better_than_champion_by", passed=passed, reason=reason)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactsPresent:
    """Requires every file of the version on the server, and one for each pattern."""

    patterns: tuple[str, ...] = ()

    def check(self, context: GateContext) -> GateOutcome:
        """Compare the files of the record with those that the server has."""
        content = context.candidate.content
        if content is None:
            return self._outcome(context.candidate.problem, passed=False)
        stored = context.candidate.stored
        paths = [file.path for file in content.record.files]
        if not paths:
            return self._outcome("the version has no files", passed=False)
        missing = [path for path in paths if path not in stored]
        missing += [each for each in self.patterns if not fnmatch.filter(paths, each)]
        if missing:
            return self._outcome(f"missing: {', '.join(missing)}", passed=False)
        cut = [
            file.path for file in content.record.files if stored[file.path] not in (file.size, None)
        ]
        if cut:
            return self._outcome(f"of another size: {', '.join(cut)}", passed=False)
        return self._outcome(f"all {len(paths)} files are on the server", passed=True)

    def _outcome(self, reason: str, *, passed: bool) -> GateOutcome:
        return GateOutcome(gate="artifacts_present", passed=passed, reason=reason)


@final
class ConfigValid:
    """Requires tags that hold a valid configuration with their digest, and at least one pair."""

    def check(self, context: GateContext) -> GateOutcome:
        """Judge the configuration."""
        content = context.candidate.content
        if content is None:
            return self._outcome(context.candidate.problem, passed=False)
        if not content.config.pairs:
            return self._outcome("the configuration names no pairs", passed=False)
        if content.config.strategy is None:
            return self._outcome("the configuration names no strategy", passed=False)
        return self._outcome("the configuration is valid and has its digest", passed=True)

    def _outcome(self, reason: str, *, passed: bool) -> GateOutcome:
        return GateOutcome(gate="config_valid", passed=passed, reason=reason)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class DataAge:
    """Requires candles that end not longer ago than `most`."""

    most: Timeframe

    def check(self, context: GateContext) -> GateOutcome:
        """Judge the end of the candles of the run."""
        content = context.candidate.content
        until = content.record.data_until if content else None
        if until is None:
            return self._outcome("the end of the candles is not known", passed=False)
        age_s = (context.now - until).total_seconds()
        reason = f"the candles end at {until:%Y-%m-%d %H:%M} UTC, at most {self.most} ago"
        if age_s < 0:
            return self._outcome(f"{reason} is allowed, and that is in the future", passed=False)
        return self._outcome(f"{reason} is allowed", passed=age_s <= self.most.seconds)

    def _outcome(self, reason: str, *, passed: bool) -> GateOutcome:
        return GateOutcome(gate="data_age", passed=passed, reason=reason)

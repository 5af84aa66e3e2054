"""The report on a promotion: the decision of each gate, for people and for the ledger."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self, final

from tradai.core import JsonValue, digest, redact
from tradai.mlflow._registry._gates.gates import Gate, GateContext, GateOutcome


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionReport:
    """Decisions of all gates on one candidate.

    Attributes:
        name: Name of the model.
        alias: Alias that is to point at the candidate.
        candidate: Number of the candidate.
        champion: Number of the version that the alias points at; None when there is none.
        outcomes: The decisions, in the order of the gates.
    """

    name: str
    alias: str
    candidate: int
    champion: int | None
    outcomes: tuple[GateOutcome, ...]

    @classmethod
    def of(cls, gates: Iterable[Gate], context: GateContext, *, alias: str) -> Self:
        """Ask every gate, also after one has refused."""
        champion = context.champion
        return cls(
            name=context.candidate.name,
            alias=alias,
            candidate=context.candidate.version,
            champion=champion.version if champion else None,
            outcomes=tuple(gate.check(context) for gate in gates),
        )

    @property
    def passed(self) -> bool:
        """Whether every gate passed."""
        return all(outcome.passed for outcome in self.outcomes)

    @property
    def digest(self) -> str:
        """SHA-256 of the report, in hex."""
        return digest(self.as_json())

    def as_json(self) -> dict[str, JsonValue]:
        """Return the report as plain JSON."""
        gates: list[JsonValue] = [
            {"gate": each.gate, "passed": each.passed, "reason": redact(each.reason)}
            for each in self.outcomes
        ]
        return {
            "model": self.name,
            "alias": self.alias,
            "candidate": self.candidate,
            "champion": self.champion,
            "passed": self.passed,
            "gates": gates,
        }

    def __str__(self) -> str:
        """Return the report as lines, one for each gate below a heading."""
        width = max((len(each.gate) for each in self.outcomes), default=0)
        lines = [
            f"  {'pass' if each.passed else 'FAIL'}  {each.gate:<{width}}  {redact(each.reason)}"
            for each in self.outcomes
        ]
        return "\n".join([self._heading(), *lines])

    def _heading(self) -> str:
        failed = sum(not each.passed for each in self.outcomes)
        refusal = f"{failed} of {len(self.outcomes)} gates refuse"
        before = f"now version {self.champion}" if self.champion else "not set now"
        return (
            f"{self.name} version {self.candidate} as {self.alias} ({before}): "
            f"{refusal if failed else 'all gates pass'}"
        )

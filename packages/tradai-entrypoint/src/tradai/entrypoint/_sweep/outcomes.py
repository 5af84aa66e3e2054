"""Outcome of one run of a sweep, and the order in which outcomes are compared."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import final

from tradai.core import JobHandle, JsonValue
from tradai.core.exceptions import ConfigurationError
from tradai.entrypoint._history.run_figures import DRAWDOWNS
from tradai.entrypoint._process.exit_codes import ExitCode
from tradai.entrypoint._report.figures import FigureFormat
from tradai.entrypoint._report.formatting import decimals_for
from tradai.entrypoint._sweep.figures import FIGURES
from tradai.entrypoint._sweep.variants import Variant


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class RunOutcome:
    """The end of one run of a sweep.

    Attributes:
        variant: The variant that was run.
        timerange: Time range of a window; empty without windows.
        run_id: Id of the run; empty when it was refused before there was one.
        exit_code: Its exit code.
        verdict: Its verdict.
        figures: Figures of its result, by name.
        currency: Currency of its stake; empty where it is not known.
        notices: Its notices.
        is_reused: Whether an earlier run with the same digests stands for it.
        job: Its job; None for a run that was not made.
    """

    variant: Variant
    timerange: str = ""
    run_id: str = ""
    exit_code: int
    verdict: str
    figures: Mapping[str, JsonValue]
    currency: str = ""
    notices: tuple[str, ...] = ()
    is_reused: bool = False
    job: JobHandle | None = None

    @property
    def is_success(self) -> bool:
        """Whether the run has a result to compare."""
        return self.exit_code == ExitCode.DONE

    @property
    def trades(self) -> int:
        """Number of its trades; 0 without a result."""
        return int(self.figure("trades") or 0) if self.is_success else 0

    def sentence(self) -> str:
        """Return variant, time range and end in one line."""
        code = "" if self.is_success else f" (exit {self.exit_code})"
        return f"{self._name}: {self.verdict}{code}"

    def brief(self) -> str:
        """Return the same without the reason of a failure, for those who give it later."""
        if self.is_success:
            return self.sentence()
        return f"{self._name}: failed (exit {self.exit_code})"

    @property
    def _name(self) -> str:
        window = f" over {self.timerange}" if self.timerange else ""
        return f"{self.variant.label or 'configuration'}{window}"

    def to_json(self) -> dict[str, JsonValue]:
        """Return the values of the variant, and the run with its figures, as JSON."""
        return {
            "values": dict(self.variant.values),
            "run_id": self.run_id or None,
            "exit_code": self.exit_code,
            "verdict": self.verdict,
            "is_reused": self.is_reused,
            "figures": dict(self.figures),
        }

    def figure(self, name: str) -> float | None:
        """Return the figure `name`; None when the run has no such number."""
        value = self.figures.get(name)
        if isinstance(value, (int, float)) and not isinstance(value, bool) and isfinite(value):
            return float(value)
        return None


def figure_format(outcomes: Sequence[RunOutcome]) -> FigureFormat:
    """Return the format of the figures of `outcomes`, with the same decimals for all."""
    currencies = {each.currency for each in outcomes if each.currency}
    currency = currencies.pop() if len(currencies) == 1 else ""
    balances = [each.figure("final_balance") or 0.0 for each in outcomes]
    return FigureFormat(currency=currency, decimals=decimals_for(balances, currency))


def drawdown_figure(outcomes: Sequence[RunOutcome]) -> str:
    """Return the name of the drawdown with open positions, or the other where none has it."""
    known = (name for name in DRAWDOWNS for each in outcomes if each.figure(name) is not None)
    return next(known, DRAWDOWNS[-1])


def check_figure(name: str) -> None:
    """Raise `ConfigurationError` unless variants can be compared by the figure `name`."""
    if name not in FIGURES:
        message = f"--by {name}: variants are compared by one of {', '.join(FIGURES)}"
        raise ConfigurationError(message, key="--by")


def ranked(outcomes: Iterable[RunOutcome], figure: str) -> list[RunOutcome]:
    """Return `outcomes` with the best first; failed ones and those without the figure come last.

    Equal ones keep the order of their variants.
    """
    sign = -1.0 if FIGURES[figure] else 1.0

    def rank(outcome: RunOutcome) -> tuple[bool, bool, float, int]:
        value = outcome.figure(figure)
        is_missing = value is None
        return not outcome.is_success, is_missing, sign * (value or 0.0), outcome.variant.number

    return sorted(outcomes, key=rank)


def best(outcomes: Iterable[RunOutcome], figure: str) -> RunOutcome | None:
    """Return the best outcome; None when none succeeded with such a figure."""
    first = next(iter(ranked(outcomes, figure)), None)
    return first if first and first.is_success and first.figure(figure) is not None else None

"""Labels and formats of a run's figures, the same in pages and on the terminal."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self, final

from tradai.entrypoint._report.formatting import (
    MINUS,
    NOTHING,
    decimals_for,
    percent,
    plain,
    result_text,
    signed,
)

# Labels by the names that the figures have in the results of a run.
LABELS: Final[Mapping[str, str]] = {
    "trades": "Trades",
    "wins_draws_losses": "Won, drawn, lost",
    "profit_percent": "Profit on the start",
    "starting_balance": "Starting balance",
    "final_balance": "Final balance",
    "cagr_percent": "Growth per year",
    "max_drawdown_percent": "Largest drawdown, closed trades only",
    "profit_factor": "Profit factor",
    "expectancy": "Expectancy",
    "sharpe": "Sharpe (engine)",
    "sortino": "Sortino (engine)",
    "equity_drawdown_percent": "Largest drawdown",
    # Of a candle, one instant is its name elsewhere: that at which it opens.
    "first_candle": "First candle opens",
    "last_candle": "Last candle closes",
}
PROFIT_LABEL: Final = "Profit"
_LEAST_EXPECTANCY_DECIMALS: Final = 4
_PROPER_NAMES: Final = frozenset({"sharpe", "sortino"})
# Falls are stored as positive numbers.
_FALLS: Final = frozenset({"max_drawdown_percent", "equity_drawdown_percent"})
_DECIMALS: Final[Mapping[str, int]] = {
    "trades": 0,
    "profit_percent": 2,
    "cagr_percent": 1,
    "profit_factor": 2,
    "sharpe": 2,
    "sortino": 2,
    **dict.fromkeys(_FALLS, 2),
}
_AMOUNTS: Final = ("starting_balance", "final_balance", "expectancy")


def label_in_text(name: str) -> str:
    """Return the label of the figure `name` in a sentence or in the head of a table.

    >>> label_in_text("profit_percent"), label_in_text("sharpe")
    ('profit on the start', 'Sharpe (engine)')
    """
    label = LABELS[name]
    return label if name in _PROPER_NAMES else label[:1].lower() + label[1:]


def fall(ratio: float | None) -> str:
    """Return the fall of an account, which is below zero wherever it is shown.

    >>> fall(0.0855) == "\N{MINUS SIGN}8.55 %", fall(0.0)
    (True, 'none')
    """
    if ratio is None:
        return NOTHING
    return percent(-ratio, with_sign=True) if ratio else "none"


def expectancy_decimals(decimals: int) -> int:
    """Return the number of decimals for a mean profit, where balances have `decimals`."""
    return max(decimals, _LEAST_EXPECTANCY_DECIMALS)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class FigureFormat:
    """Format of the figures of a run; those that are not of a backtest have all their digits.

    Attributes:
        currency: Currency of its stake; empty where it is not known.
        decimals: Number of decimals of its balances.
    """

    currency: str
    decimals: int

    @classmethod
    def of(cls, results: Mapping[str, object], config: Mapping[str, object]) -> Self:
        """Return the format of the figures in the `results` of a run with `config`."""
        currency = str(config.get("stake_currency") or "")
        balance = results.get("final_balance")
        balances = [balance] if isinstance(balance, float) else []
        return cls(currency=currency, decimals=decimals_for(balances, currency))

    def label(self, name: str) -> str:
        """Return the label of the figure `name`."""
        text = name.replace("_", " ")
        label = LABELS.get(name, text[:1].upper() + text[1:])
        return PROFIT_LABEL if name == self._profit else label

    def text(self, name: str, value: object) -> str:
        """Return the figure `name`, whatever its type."""
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return self.value(name, float(value))
        return result_text(value)

    def value(self, name: str, value: float | None) -> str:
        """Return the figure `name` with its unit."""
        if value is None:
            return NOTHING
        if name in _FALLS:
            return fall(value / 100)
        has_sign = name in (self._profit, "profit_percent")
        number = self._signed(name, value) if has_sign else self._plain(name, value)
        if name.endswith("_percent"):
            return f"{number} %"
        return f"{number} {self.currency}".rstrip() if self._is_amount(name) else number

    def delta(self, name: str, delta: float) -> str:
        """Return a difference between two runs in the figure `name`, as they show it."""
        return self._signed(name, -delta if name in _FALLS else delta)

    @property
    def _profit(self) -> str:
        return f"profit_{self.currency}"

    def _is_amount(self, name: str) -> bool:
        return name in (self._profit, *_AMOUNTS)

    def _decimals(self, name: str) -> int | None:
        if name == "expectancy":
            return expectancy_decimals(self.decimals)
        return self.decimals if self._is_amount(name) else _DECIMALS.get(name)

    def _plain(self, name: str, value: float) -> str:
        decimals = self._decimals(name)
        if decimals is None:
            return result_text(value).replace("-", MINUS)
        return plain(value, decimals)

    def _signed(self, name: str, value: float) -> str:
        decimals = self._decimals(name)
        if decimals is None:
            text = self._plain(name, value)
            return f"+{text}" if value > 0 else text
        return signed(value, decimals)

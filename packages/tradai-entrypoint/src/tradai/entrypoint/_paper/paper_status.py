"""The status of a dry-run that trades, as its process writes it beside the engine."""

from pathlib import Path
from typing import Self, final

from pydantic import BaseModel, ConfigDict, ValidationError

from tradai.core import FileKind, FileStore, Utc, read_regular_file
from tradai.core.exceptions import StorageError
from tradai.entrypoint._store.names import STATUS_NAME


@final
class OpenTrade(BaseModel):
    """A position of a dry-run.

    Attributes:
        stake: What it has cost, in the stake currency.
        last_rate: Price that the engine saw last; None without one.
        profit: Profit at that price, in the stake currency; None without a price.
        profit_ratio: That profit as a ratio of the stake.
        stop: Price of its stop; None without one.
        enter_tag: Tag of its entry; empty without one.
    """

    model_config = ConfigDict(frozen=True)

    pair: str
    opened_at: str
    amount: float
    open_rate: float
    stake: float
    last_rate: float | None = None
    profit: float | None = None
    profit_ratio: float | None = None
    stop: float | None = None
    enter_tag: str = ""


@final
class PaperStatus(BaseModel):
    """Status of a dry-run at one instant.

    Attributes:
        at: Instant at which the engine was asked.
        currency: The stake currency of all sums.
        open_trades: Its positions; None when the engine did not answer.
        waiting_entries: Entries that wait to be filled, whose amount is zero.
        profit: Profit of all trades, open ones at the last price; None where that is not known.
        closed_profit: Profit of closed trades; None where that is not known.
        closed_trades: Number of closed trades; None where that is not known.
        last_candle: Pair and opening instant of the newest analysed candle; None before the first.
        last_error: The last error of the engine or of the strategy; None without any.
        problem: Reason why the bot stands still; None while it trades.
    """

    model_config = ConfigDict(frozen=True)

    at: Utc
    currency: str
    open_trades: tuple[OpenTrade, ...] | None = None
    waiting_entries: tuple[OpenTrade, ...] = ()
    profit: float | None = None
    closed_profit: float | None = None
    closed_trades: int | None = None
    last_candle: str | None = None
    last_error: str | None = None
    problem: str | None = None

    @property
    def positions(self) -> int | None:
        """Number of its open trades; None when that is not known."""
        return None if self.open_trades is None else len(self.open_trades)

    def parted(self) -> Self:
        """Return the status with entries that wait apart from open trades, which the engine mixes.

        In the status of an earlier version they are mixed, too.
        """
        trades = self.open_trades or ()
        waiting = tuple(trade for trade in trades if not trade.amount)
        if not waiting:
            return self
        filled = tuple(trade for trade in trades if trade.amount)
        return self.model_copy(update={"open_trades": filled, "waiting_entries": waiting})

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """Return the status in the scratch folder of a run, or in its own; None before the first.

        Raises:
            StorageError: It cannot be read.
        """
        path = folder / STATUS_NAME
        try:
            return cls.model_validate_json(read_regular_file(path, FileKind.MANIFEST)).parted()
        except FileNotFoundError:
            return None
        except (OSError, ValidationError) as exc:
            message = f"the status {path} cannot be read: look at journal.jsonl and engine.log"
            raise StorageError(message, operation="read") from exc

    def write(self, folder: Path) -> None:
        """Write the status into the folder of a run, or into its scratch folder.

        Raises:
            StorageError: The disk refused.
        """
        text = self.model_dump_json(indent=2) + "\n"
        FileStore().write((folder / STATUS_NAME).resolve().as_uri(), text.encode())

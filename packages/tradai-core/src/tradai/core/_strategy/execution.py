"""Execution rules of a strategy: stakes, stops, prices."""

from decimal import Decimal
from typing import Annotated, Final, Literal, TypeAlias, final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from tradai.core._documents.json_values import FrozenMapping, JsonObject
from tradai.core._numbers.decimals import Amount
from tradai.core._types.symbols import Minutes


def _frozen(table: dict[str, Amount]) -> FrozenMapping[Amount]:
    return FrozenMapping(table)


# More than anything that is counted here; the engine has no whole numbers beyond 64 bits.
_MOST: Final = 10**9
Count: TypeAlias = Annotated[int, Field(ge=1, le=_MOST)]
CountOrUnlimited: TypeAlias = Annotated[int, Field(ge=-1, le=_MOST)]
Positive: TypeAlias = Annotated[Amount, Field(gt=0, le=10**15)]
Ratio: TypeAlias = Annotated[Amount, Field(ge=0, le=1)]
Fee: TypeAlias = Annotated[Amount, Field(ge=0, le=Decimal("0.1"))]
Stop: TypeAlias = Annotated[Amount, Field(ge=-1, lt=0)]
Profit: TypeAlias = Annotated[Amount, Field(ge=-1_000, le=1_000)]
# A dict to pydantic, frozen all the same: strict, pydantic 2.11 does not look inside a Mapping.
ProfitTable: TypeAlias = Annotated[dict[Minutes, Profit], AfterValidator(_frozen)]


@final
class DepthOfMarket(BaseModel):
    """A condition of an entry: the book has enough bids for its asks.

    Attributes:
        enabled: Whether it must hold.
        bids_to_ask_delta: Least ratio of the amount of the bids to that of the asks.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)

    enabled: bool
    bids_to_ask_delta: Annotated[Amount, Field(ge=0, le=1_000_000)] = Decimal(1)


@final
class Pricing(BaseModel):
    """The price in the order book that an order takes.

    Attributes:
        price_side: Side of the book to take the price from.
        use_order_book: Whether to read the book rather than the ticker.
        order_book_top: Row of the book, 1 being the best price.
        price_last_balance: Weight of the last price against the side's, 0 to 1.
        check_depth_of_market: Condition of an entry, which only `entry_pricing` may have.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)

    price_side: Literal["ask", "bid", "same", "other"] = "same"
    use_order_book: bool = True
    order_book_top: Count = 1
    price_last_balance: Ratio | None = None
    check_depth_of_market: DepthOfMarket | None = None


@final
class Execution(BaseModel):
    """Rules of execution. ``None`` means not set: the strategy class or the engine decides.

    Attributes:
        stake_amount: Stake per trade in the stake currency, or ``"unlimited"`` to share it all.
        max_open_trades: Trades open at once; -1 means no limit.
        starting_balance: Balance that simulated modes start with.
        fee: Fee ratio per order, up to 0.1; unset means that of made market rules, or else the
            exchange's own.
        minimal_roi: Minutes since entry -> profit ratio that is enough to exit; a negative one
            exits at a loss, -1 at any.
        stoploss: Loss ratio that forces an exit, from -1 up to but not including 0.
        trailing_stop: Whether the stop follows the price up.
        trailing_stop_positive: Distance of the trailing stop once in profit.
        trailing_stop_positive_offset: Profit from which that distance holds.
        trailing_only_offset_is_reached: Whether to trail only from that profit on.
        entry_pricing: Rules for the prices of entries.
        exit_pricing: Rules for the prices of exits.
        use_exit_signal: Whether exit signals count.
        exit_profit_only: Whether exit signals count only above `exit_profit_offset`.
        exit_profit_offset: Profit ratio for `exit_profit_only`.
        ignore_roi_if_entry_signal: Whether an entry signal holds back `minimal_roi`.
        order_types: The engine's order types by purpose; keys left out are the class's, then the
            engine's own.
        order_time_in_force: The engine's time in force by purpose.
        unfilledtimeout: The engine's limits on waiting orders.
        position_adjustment_enable: Whether positions may be changed after entry.
        max_entry_position_adjustment: Further entries per position; -1 means no limit.
        tradable_balance_ratio: Share of the balance that may be traded.
        process_throttle_s: Seconds between two looks at the market.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)

    stake_amount: Positive | Literal["unlimited"] | None = None
    max_open_trades: CountOrUnlimited | None = None
    starting_balance: Positive = Decimal(1_000)
    fee: Fee | None = None
    minimal_roi: ProfitTable | None = None
    stoploss: Stop | None = None
    trailing_stop: bool | None = None
    trailing_stop_positive: Ratio | None = None
    trailing_stop_positive_offset: Ratio | None = None
    trailing_only_offset_is_reached: bool | None = None
    entry_pricing: Pricing | None = None
    exit_pricing: Pricing | None = None
    use_exit_signal: bool | None = None
    exit_profit_only: bool | None = None
    exit_profit_offset: Ratio | None = None
    ignore_roi_if_entry_signal: bool | None = None
    order_types: JsonObject | None = None
    order_time_in_force: JsonObject | None = None
    unfilledtimeout: JsonObject | None = None
    position_adjustment_enable: bool | None = None
    max_entry_position_adjustment: CountOrUnlimited | None = None
    tradable_balance_ratio: Annotated[Ratio, Field(gt=0)] | None = None
    process_throttle_s: Count | None = None

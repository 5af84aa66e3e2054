"""Make the quickstart's candles: synthetic ones, the same everywhere for the same seed.

A price is a chain of one-minute steps, partly its own and partly the whole market's, through
stretches of calm, rising and falling markets. Such stretches are easier to trade than a real
market: do not take the result for more than a demonstration.

Only whole random numbers, sums and products are used. Unlike exponentials, or the normal numbers
of a library, their results differ neither between platforms nor between versions.
"""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from tradai.core.frames import FlatDataRepository
from tradai.entrypoint.freqtrade import MarketRules, MarketsSnapshot

FIRST = pd.Timestamp("2025-01-01", tz="UTC")
TIMEFRAME = "15m"
STEPS = 15  # minutes in a candle
HOUR = 60  # minutes
# Drift of the market, in units of volatility, and how volatile it is meanwhile.
REGIMES = np.array([(0, 0.7), (0, 1), (0.027, 0.9), (0.027, 1.1), (-0.027, 1), (-0.027, 1.3)])
MARKET_SHARE = 0.6  # of a step; what is left over, sqrt(1 - 0.6 ** 2), is the coin's own
OWN_SHARE = 0.8
USUAL_RANGE = 5  # of a candle from low to high, in units of volatility


@dataclass(frozen=True, slots=True, kw_only=True)
class Coin:
    """A coin against USDT, and the rules it is traded under.

    Attributes:
        price: First price.
        volatility: Standard deviation of a one-minute step, as a part of the price.
        turnover: Typical volume of a candle, in USDT.
        tick: Smallest change of a price.
        step: Smallest change of an amount.
    """

    pair: str
    price: float
    volatility: float
    turnover: float
    tick: str
    step: str


COINS = (
    Coin(pair="BTC/USDT", price=94_000, volatility=5e-4, turnover=9e6, tick="0.01", step="0.00001"),
    Coin(pair="ETH/USDT", price=3_350, volatility=7e-4, turnover=6e6, tick="0.01", step="0.0001"),
    Coin(pair="SOL/USDT", price=189, volatility=9e-4, turnover=3e6, tick="0.01", step="0.001"),
    Coin(pair="XRP/USDT", price=2.08, volatility=8e-4, turnover=2e6, tick="0.0001", step="0.1"),
    Coin(pair="ADA/USDT", price=0.845, volatility=9e-4, turnover=1e6, tick="0.0001", step="0.1"),
)


def whole_numbers(seed: list[int], count: int) -> np.ndarray:
    """Return `count` random whole numbers of 64 bits, from a stream that is never changed."""
    return np.random.PCG64(seed).random_raw(count).view(np.int64)


def normal_numbers(seed: list[int], count: int) -> np.ndarray:
    """Return `count` numbers that are nearly normal: each the sum of twelve uniform ones."""
    quarters = whole_numbers(seed, 3 * count)[:, None] >> np.array([0, 16, 32, 48]) & 0xFFFF
    sums = quarters.reshape(count, 12).sum(axis=1)
    return (sums - 6 * 0xFFFF) / 0x10000


def regimes(seed: int, minutes: int) -> np.ndarray:
    """Return drift and volatility of the market at each minute."""
    draws = whole_numbers([seed, 1], minutes // (12 * HOUR) + 1)
    lengths = 12 * HOUR + (draws >> 8) % (60 * HOUR)  # half a day to three days
    return np.repeat(REGIMES[draws % len(REGIMES)], lengths, axis=0)[:minutes]


def prices(coin: Coin, market: np.ndarray, *, seed: list[int], moods: np.ndarray) -> np.ndarray:
    """Return the prices of `coin` in a market that moves by `market`, a row for each candle."""
    drift, unrest = moods.T
    moves = MARKET_SHARE * market + OWN_SHARE * normal_numbers(seed, len(market))
    steps = coin.volatility * unrest * (drift + moves)
    return rounded(coin.price * np.cumprod(1 + steps), coin.tick).reshape(-1, STEPS)


def candles(coin: Coin, path: np.ndarray) -> pd.DataFrame:
    """Return the candles of `coin` along the prices `path`; it trades the more it moves."""
    close = path[:, -1]
    opened = np.concatenate([[coin.price], close[:-1]])
    high = np.maximum(opened, path.max(axis=1))
    low = np.minimum(opened, path.min(axis=1))
    volume = coin.turnover * (high - low) / (USUAL_RANGE * coin.volatility * close * close)
    opens_at = pd.date_range(FIRST, periods=len(close), freq=f"{STEPS}min", name="date")
    values = {"open": opened, "high": high, "low": low, "close": close}
    return pd.DataFrame({**values, "volume": rounded(volume, coin.step)}, index=opens_at)


def rounded(values: np.ndarray, unit: str) -> np.ndarray:
    """Return `values` as multiples of `unit`, which is a power of ten."""
    return np.round(values, len(unit.partition(".")[2]))


def write_candles(folder: Path, *, seed: int, months: int) -> None:
    """Write the candles of every coin into `folder`."""
    minutes = int((FIRST + pd.DateOffset(months=months) - FIRST) / pd.Timedelta(minutes=1))
    moods, market = regimes(seed, minutes), normal_numbers([seed, 2], minutes)
    repository = FlatDataRepository(folder, file_format="feather")
    for place, coin in enumerate(COINS):
        path = prices(coin, market, seed=[seed, 3, place], moods=moods)
        repository.save_ohlcv(coin.pair, TIMEFRAME, candles(coin, path))


def write_rules(folder: Path) -> None:
    """Write the market rules the engine rounds and refuses orders by."""
    rules = {
        coin.pair: MarketRules(tick=coin.tick, step=coin.step, min_notional="5") for coin in COINS
    }
    note = "round numbers, such as large exchanges have"
    made = MarketsSnapshot.made(rules, note=note, captured_at=FIRST.to_pydatetime())
    made.save(folder / "markets.json")


def write_origin(folder: Path, *, seed: int) -> None:
    """Say beside the candles what they are; every run on them repeats it."""
    origin = {
        "synthetic": True,
        "source": f"docs/examples/quickstart/candles.py, seed {seed}",
        "note": "Random walks through made-up market regimes. No exchange ever saw these prices.",
    }
    (folder / "dataset.json").write_text(json.dumps(origin, indent=2) + "\n", encoding="utf-8")


def main() -> None:
    """Make candles, market rules and a note on where they are from."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    parser.add_argument("--seed", type=int, default=42, help="another seed, another market")
    parser.add_argument(
        "--months",
        type=int,
        default=6,
        choices=range(1, 25),
        metavar="N",
        help="1 to 24, from 2025",
    )
    given = parser.parse_args()
    write_candles(given.out, seed=given.seed, months=given.months)
    write_rules(given.out)
    write_origin(given.out, seed=given.seed)
    what = f"{given.months} months of synthetic {TIMEFRAME} candles of {len(COINS)} pairs"
    print(f"{what}: {given.out}")


if __name__ == "__main__":
    main()

"""Write a month of seeded candles and invented market rules; run in the engine's environment."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from tradai.core.frames import FlatDataRepository
from tradai.entrypoint.freqtrade import MarketRules, MarketsSnapshot

START = datetime(2025, 1, 1, tzinfo=UTC)
PRICES = {"BTC/USDT": 60_000.0, "ETH/USDT": 3_000.0}


def main(folder: Path, decimals: int = 2) -> None:
    """Fill `folder` with prices that have `decimals` decimal places."""
    folder.mkdir(parents=True, exist_ok=True)
    repository = FlatDataRepository(folder, file_format="feather")
    for seed, (pair, price) in enumerate(PRICES.items()):
        repository.save_ohlcv(pair, "5m", candles(price, seed=seed, decimals=decimals))
    rules = MarketRules(tick="0.01", step="0.00001", min_notional="5")
    snapshot = MarketsSnapshot.made(
        dict.fromkeys(PRICES, rules), note="for tests", captured_at=START
    )
    snapshot.save(folder / "markets.json")


def candles(price: float, *, seed: int, decimals: int, count: int = 288 * 31) -> pd.DataFrame:
    """Return a random walk from `price`."""
    random = np.random.default_rng(seed)
    close = np.round(price * np.exp(np.cumsum(random.normal(0, 0.0015, count))), decimals)
    opened = np.concatenate([close[:1], close[:-1]])
    index = pd.date_range(START, periods=count, freq="5min", name="date")
    return pd.DataFrame(
        {
            "open": opened,
            "high": np.round(np.maximum(opened, close) * 1.0008, decimals),
            "low": np.round(np.minimum(opened, close) * 0.9992, decimals),
            "close": close,
            "volume": random.uniform(1, 9, count),
        },
        index=index,
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))

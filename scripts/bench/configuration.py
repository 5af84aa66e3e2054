"""Cost of loading a configuration, against Hydra and OmegaConf doing the same.

One process, sides alternating, some calls in a row each, medians of CPU seconds. The file has 60
lines; every side ends with the same validated `StrategyConfig`, except Hydra's, which is composed
and no more.

``uv run --frozen python scripts/bench/configuration.py [--rounds 9]``
"""

import argparse
import gc
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from tradai.core import StrategyConfig, StrategyConfigLoader, read_yaml
from tradai.core.exceptions import ConfigurationError

TEXT = """\
name: trend-follower
version: 1.4.2
timeframe: 15m
stake_currency: USDT
exchange: binance
pairs:
  - BTC/USDT
  - ETH/USDT
  - SOL/USDT
  - XRP/USDT
  - ADA/USDT
strategy:
  class: TrendFollower
  source: trend.py
parameters:
  fast: 12
  slow: 26
  signal: 9
  threshold: 0.75
  use_volume: true
  windows: [5, 10, 20, 50]
  regime:
    lookback: 200
    smooth: 0.94
    labels: [calm, wild]
buy_params:
  rsi: 30
  volume_factor: 1.5
sell_params:
  rsi: 70
  trail: 0.02
execution:
  stake_amount: 50
  max_open_trades: 3
  starting_balance: 1000
  fee: 0.001
  minimal_roi:
    "0": 0.1
    "30": 0.05
    "120": 0.01
  stoploss: -0.1
  trailing_stop: true
  trailing_stop_positive: 0.01
  trailing_stop_positive_offset: 0.02
  trailing_only_offset_is_reached: true
  entry_pricing:
    price_side: same
    use_order_book: true
    order_book_top: 1
  exit_pricing:
    price_side: same
    use_order_book: true
    order_book_top: 1
  order_types:
    entry: limit
    exit: limit
    stoploss: market
    stoploss_on_exchange: false
  use_exit_signal: true
  exit_profit_only: false
"""
CALLS = 20
LAUGHS = 9
CAPPED_FLOORS = 4
FLOORS = 9


def main() -> None:
    """Measure and print two tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "trend.yaml")
        file.write_text(TEXT, encoding="utf-8")
        loading(file, rounds)
    bombs(rounds)


def loading(file: Path, rounds: int) -> None:
    """Print the cost of loading the file for each side."""

    def plain() -> object:
        values = read_yaml(file.read_bytes(), source="trend.yaml").values
        return StrategyConfig.model_validate(values)

    def loader() -> object:
        return StrategyConfigLoader(environ={}).load_config(file).config

    def omegaconf() -> object:
        return StrategyConfig.model_validate(OmegaConf.to_container(OmegaConf.load(file)))

    def hydra() -> object:
        with initialize_config_dir(config_dir=str(file.parent), version_base=None):
            return compose(config_name=file.stem)

    if not plain() == loader() == omegaconf():
        raise SystemExit("the sides read different configurations")
    plain_s, loader_s, omegaconf_s, hydra_s = alternating(rounds, plain, loader, omegaconf, hydra)
    print("| what | CPU ms | Hydra / it | OmegaConf / it |")
    print("|---|---:|---:|---:|")
    for name, cost_s in (
        ("YAML -> `StrategyConfig`", plain_s),
        ("`StrategyConfigLoader`: the same with layers, plug-ins, provenance", loader_s),
        ("`OmegaConf.load` + the same model", omegaconf_s),
        ("Hydra `compose`", hydra_s),
    ):
        ratios = f"{hydra_s / cost_s:.1f} | {omegaconf_s / cost_s:.1f}"
        print(f"| {name} | {1000 * cost_s:.2f} | {ratios} |")
    print("| bound | | 50 | 10 |")


def bombs(rounds: int) -> None:
    """Print the cost of refusing a bomb, and of loading a smaller one with OmegaConf."""

    def refuse() -> object:
        try:
            return read_yaml(bomb(FLOORS), source="bomb.yaml")
        except ConfigurationError as exc:
            return exc

    def load() -> object:
        return OmegaConf.create(bomb(CAPPED_FLOORS))

    if not isinstance(refuse(), ConfigurationError):
        raise SystemExit("the bomb was not refused")
    refuse_s, load_s = alternating(min(rounds, 5), refuse, load)
    print()
    print("| bomb of aliases | values | CPU ms |")
    print("|---|---:|---:|")
    print(f"| refused | {LAUGHS**FLOORS:,} | {1000 * refuse_s:.1f} |")
    print(f"| `OmegaConf`, loaded | {LAUGHS**CAPPED_FLOORS:,} | {1000 * load_s:.0f} |")
    print("| bound on refusing | | 50 |")


def bomb(floors: int) -> str:
    """Return a document of `floors` lines that expands to nine to the power of `floors` values."""
    below = ["x", *(f"*f{floor}" for floor in range(floors - 1))]
    return "\n".join(
        f"f{floor}: &f{floor} [{', '.join([item] * LAUGHS)}]" for floor, item in enumerate(below)
    )


def alternating(rounds: int, *sides: Callable[[], object]) -> list[float]:
    """Run the sides in turn, some calls each, and return the median CPU seconds of a call."""
    costs: list[list[float]] = [[] for _ in sides]
    for _ in range(rounds):
        for side, mine in zip(sides, costs, strict=True):
            # So that no side collects the garbage of the side before.
            gc.collect()
            started = time.process_time()
            for _ in range(CALLS):
                side()
            mine.append((time.process_time() - started) / CALLS)
    return [statistics.median(mine) for mine in costs]


if __name__ == "__main__":
    main()

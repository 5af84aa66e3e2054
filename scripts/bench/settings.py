"""Cost of settings from the environment against pydantic-settings: CPU, alternating, medians.

``uv run --frozen python scripts/bench/settings.py [--rounds 200]``
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pydantic_settings
from pydantic_settings import SettingsConfigDict

from tradai.core import BaseSettings

PREFIX = "TRADAI_BENCH_"
TYPES = {"text": str, "whole": int, "real": float, "flag": bool}
TEXTS = {"text": "abc", "whole": "5", "real": "0.5", "flag": "true"}
FIELDS = {f"{name}_{place}": field_type for place in range(5) for name, field_type in TYPES.items()}
ENVIRON = {f"{PREFIX}{name}".upper(): TEXTS[name.partition("_")[0]] for name in FIELDS}


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    rounds = parser.parse_args().rounds
    os.environ.update(ENVIRON)
    with tempfile.TemporaryDirectory() as folder:
        cases = _cases(Path(folder))
        costs = _costs(cases, rounds)
    anchor, *others = cases
    print(f"| {len(FIELDS)} fields | CPU us | x {anchor} |")
    print("|---|---:|---:|")
    print(f"| {anchor} | {1e6 * statistics.median(costs[anchor]):.0f} | 1.00 |")
    for name in others:
        pairs = zip(costs[name], costs[anchor], strict=True)
        ratio = statistics.median(cost / base for cost, base in pairs)
        print(f"| {name} | {1e6 * statistics.median(costs[name]):.0f} | {ratio:.2f} |")


def _cases(folder: Path) -> dict[str, Callable[[], object]]:
    ours = _class(BaseSettings, SettingsConfigDict(env_prefix=PREFIX))
    strict = _class(
        pydantic_settings.BaseSettings,
        SettingsConfigDict(env_prefix=PREFIX, strict=True, frozen=True),
    )
    lax = _class(pydantic_settings.BaseSettings, SettingsConfigDict(env_prefix=PREFIX))
    file = folder / "settings.yaml"
    file.write_text("whole_0: 7\ntext_0: c\n")
    return {
        "pydantic-settings, strict": strict,
        "pydantic-settings, lax": lax,
        "tradai, environment": ours,
        "tradai, a file and the environment": lambda: ours.load(files=[file]),
        "tradai, explained": lambda: ours.explain(files=[file]),
    }


def _class(
    base: type[pydantic_settings.BaseSettings], config: SettingsConfigDict
) -> type[BaseSettings]:
    # The class is only called, so its other attributes do not matter.
    names = {"__annotations__": dict(FIELDS), "__module__": __name__, "model_config": config}
    return type("Bench", (base,), names)


def _costs(cases: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    costs: dict[str, list[float]] = {name: [] for name in cases}
    for make in cases.values():
        make()
    for _ in range(rounds):
        for name, make in cases.items():
            started = time.process_time()
            make()
            costs[name].append(time.process_time() - started)
    return costs


if __name__ == "__main__":
    main()

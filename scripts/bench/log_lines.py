"""Cost of a log line, side by side: CPU time in one process, alternating, medians.

An event with six fields goes to a stream that discards it. Ours masks secrets, with some registered
as in a real process; the others do not. Not called ``logging``: a script's name hides the standard
library's. ``uv run --frozen --group bench python scripts/bench/log_lines.py [--rounds 21]``
"""

import argparse
import contextlib
import gc
import io
import logging
import random
import statistics
import string
import sys
import time
from collections.abc import Callable, Mapping
from typing import Literal, TextIO
from unittest import mock

from aws_lambda_powertools import Logger as Powertools
from loguru import logger as loguru
from pythonjsonlogger.json import JsonFormatter

from tradai.core import LoggerMixin, Secret, configure_logging, redact, register_secret

EXTRA = {
    "service": "strategy",
    "pair": "BTC/USDT",
    "price": 64231.55,
    "amount": 0.0125,
    "order_id": "a1b2c3",
    "attempt": 2,
}
LINES = 2_000
DISABLED = 1_000
OURS, OURS_BARE = "tradai with orjson", "tradai without orjson"
PLAIN = "python-json-logger"
BOUNDS = (
    (OURS, PLAIN, 1.0),
    (OURS, "loguru serialize", 1.6),
    (OURS, "Powertools Logger", 1.6),
    (OURS_BARE, PLAIN, 0.7),
)

GONE = 10_000
STANDARD = logging.getLogRecordFactory()

Work = Callable[[], None]


class Discard(io.TextIOBase):
    """A stream that discards its text."""

    def write(self, text: str) -> int:
        """Take `text`."""
        return len(text)


class Service(LoggerMixin):
    """A class with a logger."""

    def many(self) -> None:
        """Log below the level."""
        for _ in range(DISABLED):
            self.logger.debug("order %s filled", "a1b2c3")


class Usual:
    """The same class in the style of the standard library's documentation."""

    def __init__(self) -> None:
        """Keep a logger."""
        self.logger = logging.getLogger("usual")

    def many(self) -> None:
        """Log below the level."""
        for _ in range(DISABLED):
            self.logger.debug("order %s filled", "a1b2c3")


def main() -> None:
    """Measure and print two tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=21)
    rounds = parser.parse_args().rounds
    for secret in registered():
        register_secret(secret)
    lines = medians(contenders(Discard()), rounds)
    print("| JSON line, event and 6 fields | us | lines/s |\n|---|---:|---:|")
    for name, cost_s in lines.items():
        print(f"| {name} | {cost_s / LINES * 1e6:.1f} | {LINES / cost_s:,.0f} |")
    print("\n| lines/s | ratio | bound |\n|---|---:|---:|")
    for name, other, bound in BOUNDS:
        print(f"| {name} : {other} | {lines[other] / lines[name]:.2f} | >= {bound} |")
    disabled = medians({"LoggerMixin": Service().many, "logging": Usual().many}, 5 * rounds)
    ratio = disabled["LoggerMixin"] / disabled["logging"]
    print(f"| {DISABLED:,} calls disabled by level, cost of LoggerMixin : logging", end="")
    print(f" | {ratio:.2f} | <= 1.3 |")
    gone = medians(with_and_without_secrets(our_work(Discard(), "orjson")), rounds)
    print(f"| {GONE:,} secrets come and gone, cost of a line : none", end="")
    print(f" | {gone['gone'] / gone['none']:.2f} | <= 1.2 |")


def with_and_without_secrets(work: Work) -> Mapping[str, Work]:
    """Return `work` with a registry that has seen `GONE` secrets, and with one that is fresh."""
    module = sys.modules[redact.__module__]
    registry = vars(module)["_REGISTRY"]
    fresh, used = type(registry)(), type(registry)()

    def with_registry(registry: object) -> None:
        with mock.patch.object(module, "_REGISTRY", registry):
            work()

    # The values only look like keys.
    chance = random.Random(2)  # noqa: S311
    with mock.patch.object(module, "_REGISTRY", used):
        for _ in range(GONE):
            Secret("".join(chance.choices(string.ascii_letters + string.digits, k=40)))
    return {"none": lambda: with_registry(fresh), "gone": lambda: with_registry(used)}


def registered() -> list[str]:
    """Return invented secrets of a trading process: two exchange keys and two passwords."""
    # The values only look like keys.
    chance = random.Random(1)  # noqa: S311
    letters = string.ascii_letters + string.digits
    return ["".join(chance.choices(letters, k=length)) for length in (64, 64, 24, 16)]


def contenders(stream: TextIO) -> Mapping[str, Work]:
    """Return a function that writes `LINES` lines for each library, by name."""
    plain = logging.getLogger("plain")
    plain.addHandler(logging.StreamHandler(stream))
    plain.handlers[0].setFormatter(JsonFormatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    plain.setLevel(logging.INFO)
    powertools = Powertools(service="strategy", stream=stream, level="INFO")
    loguru.remove()
    loguru.add(stream, serialize=True, level="INFO")
    for logger in (plain, logging.getLogger("strategy")):
        logger.propagate = False
        for handler in logger.handlers:
            # Else ours would mask secrets in their lines too.
            vars(handler)["masks_secrets"] = True
    return {
        PLAIN: as_they_are(lambda: write(plain)),
        "loguru serialize": lambda: write_loguru(EXTRA),
        "Powertools Logger": as_they_are(lambda: write_powertools(powertools)),
        OURS: our_work(stream, "orjson"),
        OURS_BARE: our_work(stream, None),
    }


def as_they_are(work: Work) -> Work:
    """Return `work` with the records of the standard library, which ours replaces."""

    def run() -> None:
        ours = logging.getLogRecordFactory()
        logging.setLogRecordFactory(STANDARD)
        work()
        logging.setLogRecordFactory(ours)

    return run


def our_work(stream: TextIO, encoder: Literal["orjson"] | None) -> Work:
    """Return the function of tradai, whose logger keeps the handler that is configured here."""
    hidden = mock.patch.dict(sys.modules, {} if encoder else {"orjson": None})
    with hidden:
        configure_logging(stream=stream)
    root = logging.getLogger()
    logger = logging.getLogger(f"ours.{encoder}")
    logger.addHandler(root.handlers[-1])
    logger.setLevel(logging.INFO)
    logger.propagate = False
    return lambda: write(logger)


def write(logger: logging.Logger) -> None:
    """Log through the standard library."""
    for _ in range(LINES):
        logger.info("order %s filled", "a1b2c3", extra=EXTRA)


def write_powertools(logger: Powertools) -> None:
    """Log through Powertools."""
    for _ in range(LINES):
        logger.info("order %s filled", "a1b2c3", extra=EXTRA)


def write_loguru(extra: Mapping[str, object]) -> None:
    """Log through loguru."""
    for _ in range(LINES):
        loguru.info("order {} filled", "a1b2c3", **extra)


def medians(works: Mapping[str, Work], rounds: int) -> dict[str, float]:
    """Run the functions in turn, `rounds` times, and return their median CPU seconds."""
    costs: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            costs[name].append(cpu_s(work))
    return {name: statistics.median(seconds) for name, seconds in costs.items()}


def cpu_s(work: Work) -> float:
    """Return the CPU seconds of `work`, without the collection of earlier garbage."""
    gc.collect()
    before = time.process_time()
    work()
    return time.process_time() - before


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()

"""A frame of 100,000 candles through Redis and from memory, against pickle and a deep copy.

``uv run --frozen python scripts/bench/cache_frames.py [--rounds 41]`` starts a ``redis-server`` of
its own on loopback. An OHLCV frame makes a round trip through it by tradai's codec and envelope
(with checksum), and by pickle protocol 5, with one client, and with and without hiredis. Both sides
alternate in one process; "best" compares the best round of each side, on which other programs of a
busy machine have the least effect. Copies from memory are all kept until the round is over, so that
each needs memory of its own.
"""

import argparse
import pickle
import shutil
import socket
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import pandas as pd  # noqa: TID253
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.retry import Retry

from tradai.cache._codecs.codec import codec_for
from tradai.cache._codecs.envelope import Envelope, seal, unseal
from tradai.cache._memory.copying import copier_for, private_copy

ROWS = 100_000
PLACE = b"candles.1:0123456789abcdef"
COPIES = 20


class Case(NamedTuple):
    """An operation in tradai's way and in another."""

    name: str
    bound: float | None
    ours: Callable[[], object]
    other: Callable[[], object]
    per_round: int = 1


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=41)
    rounds = parser.parse_args().rounds
    print("| ours / the other | ours ms | other ms | ratio | x best | bound |")
    print("|---|---:|---:|---:|---:|---:|")
    with server() as port:
        for case in [*redis_cases(port), *memory_cases()]:
            print(row(case, rounds), flush=True)


def candles(rows: int = ROWS) -> pd.DataFrame:
    """Return candles of a random walk: six columns and an index in UTC."""
    random = np.random.default_rng(7)
    close = np.round(50_000 + np.cumsum(random.normal(0, 5, rows)), 2)
    opened = pd.date_range("2025-01-01", periods=rows, freq="min", tz="UTC", name="date")
    columns = {
        "open": np.roll(close, 1),
        "high": close + 3.25,
        "low": close - 3.25,
        "close": close,
        "volume": np.round(random.exponential(12, rows), 5),
        "trades": np.floor(random.exponential(90, rows)),
    }
    return pd.DataFrame(columns, index=opened.as_unit("ms"))


@contextmanager
def server() -> Iterator[int]:
    """Run a Redis server, and end it."""
    program = shutil.which("redis-server")
    if program is None:
        message = "there is no redis-server on the path; install redis-server first"
        raise SystemExit(message)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    with tempfile.TemporaryDirectory() as folder:
        options = ["--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", folder]
        child = subprocess.Popen([program, *options], stdout=subprocess.DEVNULL)
        try:
            wait_for(port)
            yield port
        finally:
            child.kill()
            child.wait()


def wait_for(port: int) -> None:
    """Return when the server answers."""
    client = Redis(port=port, retry=Retry(NoBackoff(), 0))
    for _ in range(200):
        try:
            client.ping()
        except RedisConnectionError:
            time.sleep(0.02)
        else:
            return
    message = f"the server on port {port} does not answer"
    raise SystemExit(message)


def redis_cases(port: int) -> list[Case]:
    """Return round trips through Redis."""
    clients: dict[str, Any] = {"hiredis": Redis(port=port), "no hiredis": without_hiredis(port)}
    large, small = candles(), candles(500)
    codec = codec_for(pd.DataFrame)
    key = bytes(range(32))

    def ours(client: Any, frame: pd.DataFrame, key: bytes | None) -> Callable[[], object]:  # noqa: ANN401
        def trip() -> object:
            envelope = Envelope(codec.encode(frame), 1, 2, 3)
            client.set("ours", seal(envelope, identity=PLACE, key=key))
            opened = unseal(client.get("ours"), identity=PLACE, key=key)
            return None if opened is None else codec.decode(opened.payload)

        back = trip()
        if not isinstance(back, pd.DataFrame):
            message = "the frame did not come back"
            raise SystemExit(message)
        pd.testing.assert_frame_equal(back, frame, check_exact=True)
        return trip

    def pickled(client: Any, frame: pd.DataFrame) -> Callable[[], object]:  # noqa: ANN401
        def trip() -> object:
            client.set("pickle", pickle.dumps(frame, protocol=5))
            # The bytes were written above, for comparison.
            return pickle.loads(client.get("pickle"))  # noqa: S301

        return trip

    return [
        Case(name, bound, ours(clients[parser], frame, secret), pickled(clients[parser], frame))
        for parser in clients
        for name, bound, frame, secret in (
            (f"100,000 x 6, {parser} / pickle 5", 1.4, large, None),
            (f"100,000 x 6, keyed, {parser} / pickle 5", None, large, key),
            (f"500 x 6, {parser} / pickle 5", None, small, None),
        )
    ]


def without_hiredis(port: int) -> Redis:
    """Return a client that reads answers in Python."""
    from redis._parsers import _RESP3Parser

    client = Redis(port=port, protocol=3)
    client.connection_pool.connection_kwargs["parser_class"] = _RESP3Parser
    return client


def memory_cases() -> list[Case]:
    """Return copies from memory."""
    kept: Any = private_copy(candles())
    copier = copier_for(kept)
    if copier is None:
        message = "a frame is handed out as it is"
        raise SystemExit(message)
    return [
        Case(
            "100,000 x 6 out of memory / deep copy",
            1 / 20,
            lambda: copier(kept),
            lambda: kept.copy(deep=True),
            per_round=COPIES,
        )
    ]


def row(case: Case, rounds: int) -> str:
    """Measure one case and return its row."""
    ours, other = [], []
    for number in range(rounds + 2):
        times = timed(case.ours, case.per_round), timed(case.other, case.per_round)
        if number > 1:  # the first ones warm up
            ours.append(times[0])
            other.append(times[1])
    middle = statistics.median(ours), statistics.median(other)
    bound = "" if case.bound is None else f"{case.bound:.3g}"
    return (
        f"| {case.name} | {middle[0]:.3f} | {middle[1]:.3f} | {middle[0] / middle[1]:.3f} | "
        f"{min(ours) / min(other):.3f} | {bound} |"
    )


def timed(act: Callable[[], object], count: int) -> float:
    """Return the milliseconds that one of `count` runs took."""
    held = []
    start = time.perf_counter()
    for _ in range(count):
        held.append(act())  # noqa: PERF401
    taken = time.perf_counter() - start
    del held
    return taken * 1_000 / count


if __name__ == "__main__":
    main()

"""Fuzzing of the envelope and every codec with damaged bytes of the shared tier."""

import json
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd  # noqa: TID253
import pytest
from pydantic import BaseModel

from tradai.cache._codecs.codec import Codec, codec_for
from tradai.cache._codecs.envelope import Envelope, seal, unseal
from tradai.cache._codecs.secret_scan import Undecodable

IDENTITY = b"markets.1:0123456789abcdef"
KEY = bytes(range(32))
# Audit events that decoding must never raise.
FORBIDDEN = (
    "exec",
    "compile",
    "import",
    "marshal.",
    "pickle.",
    "os.",
    "subprocess.",
    "socket.",
    "ctypes.",
)
HARMLESS = ("os.listdir", "os.scandir")


class Side(Enum):
    BUY = "buy"


class Fill(BaseModel):
    side: Side
    at: datetime
    price: Decimal
    more: Any = None


@dataclass
class Leg:
    fills: list[Fill]
    size: float


def _samples() -> list[tuple[Codec, bytes]]:
    opened = pd.date_range("2025-01-01", periods=5, freq="5min", tz="UTC", name="date")
    candles = pd.DataFrame({name: np.arange(5.0) for name in ("open", "close")}, index=opened)
    mixed = pd.DataFrame(
        {"a": ["x", None], "b": [1, 2], "c": pd.Series([(1,), None], dtype=object)}
    )
    fill = Fill(side=Side.BUY, at=datetime(2025, 1, 1, tzinfo=UTC), price=Decimal("1.5"))
    plain = {"a": [1, 2.5, None, "x"], "b": {"c": True}}
    berlin = datetime(2025, 1, 1, tzinfo=ZoneInfo("Europe/Berlin"))
    tagged = (Decimal("1.5"), berlin, b"x", {1: {2}}, 10**700, frozenset({"a"}), "\ud800\udc00")
    values: list[tuple[Any, object]] = [
        (None, plain),
        (None, tagged),
        (list[Fill], [fill]),
        (Leg, Leg([fill], 1.0)),
        (pd.DataFrame, candles),
        (pd.DataFrame, mixed),
        (pd.Series, candles["open"]),
        (np.ndarray, np.arange(6).reshape(2, 3)),
    ]
    made = [(codec_for(annotation), value) for annotation, value in values]
    return [(codec, _stored(codec, value)) for codec, value in made]


def _stored(codec: Codec, value: object) -> bytes:
    payload = codec.encode(value)
    return b"".join(payload) if isinstance(payload, tuple) else bytes(payload)


SAMPLES = _samples()
_WORDS = [b"~", b'{"~set":', b"[", b"{", b"1e400", b"9" * 999, b"NaN", b"null", b"-1", b"\x00" * 4]
_WORDS += [b"\xff" * 8, b'"~dict"', b'"cells"', b'"objects"', b"|O8", b"cos\nsystem\n", b"ARROW1"]
_LEAVES: list[Any] = [None, -1, 0, 2**40, 10**30, 1e308, "", "|O8", "<f8", "~", [], {}, True, [[]]]


def _cut(chance: random.Random, data: bytes) -> bytes:
    return data[: chance.randrange(len(data) + 1)]


def _flipped(chance: random.Random, data: bytes) -> bytes:
    damaged = bytearray(data)
    for _ in range(chance.choice([1, 1, 2, 8]) if damaged else 0):
        damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
    return bytes(damaged)


def _spliced(chance: random.Random, data: bytes) -> bytes:
    first, last = sorted(chance.randrange(len(data) + 1) for _ in range(2))
    word = chance.choice([*_WORDS, chance.randbytes(chance.randrange(16))])
    return data[:first] + word + data[chance.choice([first, last]) :]


def _crossed(chance: random.Random, data: bytes) -> bytes:
    _, other = chance.choice(SAMPLES)
    return data[: chance.randrange(len(data) + 1)] + other[chance.randrange(len(other)) :]


def _random(chance: random.Random, data: bytes) -> bytes:
    return chance.choice([b"", b"~", b"p", b"j", data[:4]]) + chance.randbytes(chance.randrange(64))


def _nested(chance: random.Random, data: bytes) -> bytes:
    word = chance.choice([b"[", b'{"a":', b'{"~tuple":', b'{"~dict":[['])
    return chance.choice([b"", b"~", b"p~", b"j", data[:4]]) + word * chance.choice(
        [90, 999, 20_000]
    )


def _mismatched(chance: random.Random, data: bytes) -> bytes:
    """Return a payload whose description does not match its content."""
    start = 4 + int.from_bytes(data[:4])
    for first, last in ((4, start), (0, len(data)), (1, len(data)), (2, len(data))):
        try:
            tree = json.loads(data[first:last])
        except ValueError:
            continue
        text = json.dumps(_mutated(chance, tree)).encode()
        head = len(text).to_bytes(4) if first == 4 else data[:first]
        return head + text + data[last:]
    return _spliced(chance, data)


def _mutated(chance: random.Random, tree: Any) -> Any:  # noqa: ANN401
    if not tree or not isinstance(tree, dict | list) or chance.random() < 0.1:
        return chance.choice(_LEAVES)
    positions = list(tree) if isinstance(tree, dict) else range(len(tree))
    position = chance.choice(positions)
    tree[position] = _mutated(chance, tree[position])
    return tree


MUTATIONS: list[Callable[[random.Random, bytes], bytes]] = [
    *(_cut, _flipped, _spliced, _crossed, _random, _nested, _mismatched, _mismatched)
]


@pytest.fixture
def events() -> Iterator[list[str]]:
    """Collect forbidden audit events during a test."""
    collected: list[str] = []
    _WATCHERS.append(collected)
    yield collected
    _WATCHERS.remove(collected)


_WATCHERS: list[list[str]] = []


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    if _WATCHERS and event.startswith(FORBIDDEN) and event not in HARMLESS:
        _WATCHERS[-1].append(f"{event} {arguments}"[:200])


sys.addaudithook(_watch)  # an audit hook cannot be removed


def _sealed(payload: bytes, key: bytes | None) -> bytes:
    return seal(Envelope(payload, 1, 2, 3), identity=IDENTITY, key=key)


def fuzz(count: int, seed: int) -> Counter[str]:
    """Decode `count` damaged inputs and count the outcomes; an unexpected error is raised."""
    chance, outcomes = random.Random(seed), Counter[str]()  # noqa: S311
    for _ in range(count):
        codec, payload = chance.choice(SAMPLES)
        mutate = chance.choice(MUTATIONS)
        outcomes[_damaged_seal(chance, mutate, payload)] += 1
        outcomes[_damaged_payload(mutate(chance, payload), payload, codec)] += 1
    return outcomes


def _damaged_seal(
    chance: random.Random, mutate: Callable[[random.Random, bytes], bytes], payload: bytes
) -> str:
    """Damage the sealed bytes, like a broken disk or a writer without the key."""
    key = chance.choice([None, KEY])
    sealed = _sealed(payload, key)
    damaged = mutate(chance, sealed)
    opened = unseal(damaged, identity=IDENTITY, key=key)
    assert opened is None or damaged == sealed
    return "same" if damaged == sealed else "not opened"


def _damaged_payload(damaged: bytes, payload: bytes, codec: Codec) -> str:
    """Seal a damaged payload, as a writer to an unsigned cache can."""
    sealed = _sealed(damaged, None)
    assert unseal(sealed, identity=IDENTITY, key=KEY) is None
    opened = unseal(sealed, identity=IDENTITY, key=None)
    assert opened is not None
    try:
        codec.decode(opened.payload)
    except Undecodable:
        return "no value"
    return "same" if damaged == payload else "a value"


def _warm_up() -> None:
    """Run imports and lazy initialisation before events are collected."""
    for codec, payload in SAMPLES:
        codec.decode(payload)
    fuzz(300, seed=1)


def test_damaged_bytes_do_no_harm(events: list[str]) -> None:
    _warm_up()
    events.clear()

    outcomes = fuzz(1_500, seed=7)

    assert events == []
    assert set(outcomes) == {"same", "not opened", "no value", "a value"}


@pytest.mark.deep
@pytest.mark.parametrize("seed", range(10))
def test_a_hundred_thousand_inputs_do_no_harm(seed: int, events: list[str]) -> None:
    _warm_up()
    events.clear()

    outcomes = fuzz(10_000, seed=100 + seed)

    assert events == []
    assert outcomes.total() == 20_000


def test_the_watch_detects_forbidden_events(events: list[str]) -> None:
    events.clear()

    exec(compile("1", "x", "eval"))  # noqa: S102

    assert [event.partition(" ")[0] for event in events] == ["compile", "exec"]

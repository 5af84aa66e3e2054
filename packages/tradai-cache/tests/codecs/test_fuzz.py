"""Bytes that anybody may have put into the shared tier, against every codec and the envelope."""

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

from tradai.cache._codecs.codec import Codec, Undecodable, codec_for
from tradai.cache._codecs.envelope import Envelope, seal, unseal

PLACE = b"markets.1:0123456789abcdef"
KEY = bytes(range(32))
# Nothing that reads a value may do any of these.
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
    harmed = bytearray(data)
    for _ in range(chance.choice([1, 1, 2, 8]) if harmed else 0):
        harmed[chance.randrange(len(harmed))] ^= 1 << chance.randrange(8)
    return bytes(harmed)


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


def _lying(chance: random.Random, data: bytes) -> bytes:
    """Return a description that says something else about what follows it."""
    start = 4 + int.from_bytes(data[:4])
    for first, last in ((4, start), (0, len(data)), (1, len(data)), (2, len(data))):
        try:
            tree = json.loads(data[first:last])
        except ValueError:
            continue
        text = json.dumps(_twisted(chance, tree)).encode()
        head = len(text).to_bytes(4) if first == 4 else data[:first]
        return head + text + data[last:]
    return _spliced(chance, data)


def _twisted(chance: random.Random, tree: Any) -> Any:  # noqa: ANN401
    if not tree or not isinstance(tree, dict | list) or chance.random() < 0.1:
        return chance.choice(_LEAVES)
    places = list(tree) if isinstance(tree, dict) else range(len(tree))
    place = chance.choice(places)
    tree[place] = _twisted(chance, tree[place])
    return tree


MUTATIONS: list[Callable[[random.Random, bytes], bytes]] = [
    *(_cut, _flipped, _spliced, _crossed, _random, _nested, _lying, _lying)
]


@pytest.fixture
def misdeeds() -> Iterator[list[str]]:
    """What the interpreter was made to do meanwhile that reading a value never needs."""
    seen: list[str] = []
    _WATCHERS.append(seen)
    yield seen
    _WATCHERS.remove(seen)


_WATCHERS: list[list[str]] = []


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    if _WATCHERS and event.startswith(FORBIDDEN) and event not in HARMLESS:
        _WATCHERS[-1].append(f"{event} {arguments}"[:200])


sys.addaudithook(_watch)  # for ever: there is no way to take one off


def _sealed(payload: bytes, key: bytes | None) -> bytes:
    return seal(Envelope(payload, 1, 2, 3), identity=PLACE, key=key)


def fuzz(count: int, seed: int) -> Counter[str]:
    """Try `count` inputs and return what became of them; anything unheard of is raised."""
    chance, outcomes = random.Random(seed), Counter[str]()  # noqa: S311
    for _ in range(count):
        codec, payload = chance.choice(SAMPLES)
        mutate = chance.choice(MUTATIONS)
        outcomes[_harmed_outside(chance, mutate, payload)] += 1
        outcomes[_harmed_inside(mutate(chance, payload), payload, codec)] += 1
    return outcomes


def _harmed_outside(
    chance: random.Random, mutate: Callable[[random.Random, bytes], bytes], payload: bytes
) -> str:
    """Harm what is stored, as a broken disk or line does, or somebody without the key."""
    key = chance.choice([None, KEY])
    sealed = _sealed(payload, key)
    harmed = mutate(chance, sealed)
    opened = unseal(harmed, identity=PLACE, key=key)
    assert opened is None or harmed == sealed
    return "same" if harmed == sealed else "not opened"


def _harmed_inside(harmed: bytes, payload: bytes, codec: Codec) -> str:
    """Put what was harmed into an envelope that holds, as somebody who may write can."""
    sealed = _sealed(harmed, None)
    assert unseal(sealed, identity=PLACE, key=KEY) is None
    opened = unseal(sealed, identity=PLACE, key=None)
    assert opened is not None
    try:
        codec.decode(opened.payload)
    except Undecodable:
        return "no value"
    return "same" if harmed == payload else "a value"


def _warm_up() -> None:
    """Let every import and every lazily built thing be there before anybody watches."""
    for codec, payload in SAMPLES:
        codec.decode(payload)
    fuzz(300, seed=1)


def test_no_bytes_do_harm(misdeeds: list[str]) -> None:
    _warm_up()
    misdeeds.clear()

    outcomes = fuzz(1_500, seed=7)

    assert misdeeds == []
    assert set(outcomes) == {"same", "not opened", "no value", "a value"}


@pytest.mark.deep
@pytest.mark.parametrize("seed", range(10))
def test_a_hundred_thousand_inputs_do_no_harm(seed: int, misdeeds: list[str]) -> None:
    _warm_up()
    misdeeds.clear()

    outcomes = fuzz(10_000, seed=100 + seed)

    assert misdeeds == []
    assert outcomes.total() == 20_000


def test_the_watch_sees_what_must_not_be(misdeeds: list[str]) -> None:
    misdeeds.clear()

    exec(compile("1", "x", "eval"))  # noqa: S102

    assert [event.partition(" ")[0] for event in misdeeds] == ["compile", "exec"]

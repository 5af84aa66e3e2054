"""Private: a promotion on a slow server, by a clock that only its answers move."""

from datetime import UTC, datetime
from typing import Any, TypeAlias

import pytest

from tradai.core import Lease, StrategyConfig, digest
from tradai.core.exceptions import LeaseLostError
from tradai.core.testing import FixedClock, MemoryLeaseStore
from tradai.mlflow import MLflowClient, PromotionPolicy
from tradai.mlflow._registry.promotion import AliasMover
from tradai.mlflow._registry.record import ModelFile, ModelRecord
from tradai.mlflow._registry.version_tags import VersionContent, to_tags

# The classes of these fixtures are in conftest, which tests cannot import.
Server: TypeAlias = Any

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
TTL_S = 30.0
CONFIG = StrategyConfig.model_validate(
    {
        "name": "trend",
        "version": "1.0.0",
        "timeframe": "15m",
        "pairs": ["BTC/USDT"],
        "strategy": {"class": "Trend", "source": "strategies"},
    }
)
RECORD = ModelRecord(
    config_digest=digest(CONFIG.canonical()),
    files=(ModelFile(path="strategy/trend.py", sha256="c" * 64, size=7),),
    registered_at=NOW,
)


class SlowServer:
    """A registry with one model of two versions, whose every answer takes `pause_s` seconds."""

    def __init__(self, clock: FixedClock, pause_s: float) -> None:
        self.tags: dict[str, str] = {}
        self.aliases: dict[str, str] = {}
        self._clock = clock
        self._pause_s = pause_s

    def __call__(self, exchange: Server) -> None:
        self._clock.sleep(self._pause_s)
        received = exchange.received
        match received.method, received.path.rpartition("/mlflow")[2]:
            case "POST", "/registered-models/set-tag":
                self.tags[received.json["key"]] = received.json["value"]
                exchange.reply(200, {})
            case "POST", "/registered-models/alias":
                self.aliases[received.json["alias"]] = received.json["version"]
                exchange.reply(200, {})
            case "GET", "/registered-models/get":
                exchange.reply(200, {"registered_model": self._model()})
            case "GET", "/model-versions/get":
                version = received.query["version"][0]
                exchange.reply(200, {"model_version": _version(version)})
            case "GET", "-artifacts/artifacts":
                exchange.reply(200, {"files": _listed(received.query["path"][0])})
            case _:
                exchange.reply(200, "3.17.0")

    def _model(self) -> dict[str, object]:
        aliases = [{"alias": alias, "version": at} for alias, at in self.aliases.items()]
        return {"name": "trend", "tags": _pairs(self.tags), "aliases": aliases}


def _version(version: str) -> dict[str, object]:
    tags = _pairs(to_tags(VersionContent(config=CONFIG, record=RECORD)))
    source = "mlflow-artifacts:/1/r1/artifacts/models/m"
    return {"name": "trend", "version": version, "source": source, "tags": tags}


def _pairs(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in tags.items()]


def _listed(folder: str) -> list[dict[str, object]]:
    if folder.endswith("/strategy"):
        return [{"path": "trend.py", "is_dir": False, "file_size": 7}]
    return [{"path": "strategy", "is_dir": True}]


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOW)


@pytest.fixture
def lease(clock: FixedClock) -> Lease:
    return Lease(MemoryLeaseStore(), name="model-trend", ttl_s=TTL_S, clock=clock)


def test_a_promotion_and_a_rollback_longer_than_the_lease_keep_it(
    server: Server, client: MLflowClient, clock: FixedClock, lease: Lease
) -> None:
    slow = SlowServer(clock, pause_s=10)
    server.script(slow)
    mover = AliasMover(client, now=clock.now, lease=lease)
    policy = PromotionPolicy()

    with lease:
        mover.promote("trend", 1, alias="champion", policy=policy, expect=None, by="ada")
    with lease:
        mover.promote("trend", 2, alias="champion", policy=policy, expect=1, by="ada")
    start = clock.now()
    with lease:
        move = mover.rollback("trend", alias="champion", by="ada")

    assert (clock.now() - start).total_seconds() > TTL_S
    assert (move.before, move.after, move.is_atomic) == (2, 1, True)
    assert slow.aliases == {"champion": "1"}


def test_a_rollback_passes_over_a_promotion_that_was_repeated(
    server: Server, client: MLflowClient, clock: FixedClock
) -> None:
    slow = SlowServer(clock, pause_s=0)
    server.script(slow)
    mover = AliasMover(client, now=clock.now, lease=None)
    policy = PromotionPolicy()
    for version in (1, 2, 2):
        mover.promote("trend", version, alias="champion", policy=policy, expect="any", by="ada")

    move = mover.rollback("trend", alias="champion", by="ada")

    assert (move.before, move.after) == (2, 1)
    assert slow.aliases == {"champion": "1"}


def test_a_promotion_whose_lease_ran_out_in_one_call_moves_nothing(
    server: Server, client: MLflowClient, clock: FixedClock, lease: Lease
) -> None:
    slow = SlowServer(clock, pause_s=TTL_S)
    server.script(slow)
    lease.acquire()
    mover = AliasMover(client, now=clock.now, lease=lease)

    with pytest.raises(LeaseLostError):
        mover.promote("trend", 1, alias="champion", policy=PromotionPolicy(), expect=None, by="ada")

    assert (slow.aliases, slow.tags) == ({}, {})

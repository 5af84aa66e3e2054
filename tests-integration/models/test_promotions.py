"""Promote versions through gates, and roll them back."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from models.conftest import Interceptor, artifact
from models.proven_run import proven_run
from servers.fault_proxy import Fault, FaultProxy
from servers.mlflow import MLflowServer

from tradai.core import Timeframe
from tradai.core.exceptions import ConflictError, NotFoundError, ValidationError
from tradai.mlflow import (
    AliasMove,
    MLflowClient,
    ModelIntegrityError,
    ModelRegistry,
    ModelSettings,
    ModelVersionNotFoundError,
    PromotionPolicy,
    PromotionRefusedError,
)

OPEN = PromotionPolicy()
DAY = Timeframe("1d")


def test_the_gates_decide_and_the_ledger_keeps_every_move(
    registry: ModelRegistry, client: MLflowClient, tmp_path: Path, unique: str
) -> None:
    for number, profit in enumerate((3.0, 3.2, 9.0), start=1):
        folder = proven_run(tmp_path / f"run-{number}", results={"profit_percent": profit})
        registry.register(unique, folder)
    policy = PromotionPolicy.of(
        {"better_than_champion_by": {"metric": "profit_percent", "by": 1}, "min_trades": 100},
        source="gates.yaml",
    )

    registry.promote(unique, 1, policy=policy, by="ada")
    with pytest.raises(PromotionRefusedError, match=r"better by 0\.2, required 1"):
        registry.promote(unique, 2, policy=policy, by="ada")
    assert not registry.report(unique, 2, policy=policy).passed
    assert client.get_registered_model(unique).aliases == {"champion": 1}
    move = registry.promote(unique, 3, policy=policy, expect=1, by="ada")

    assert (move.before, move.after, move.is_atomic) == (1, 3, False)
    assert client.get_registered_model(unique).aliases == {"champion": 3}
    tags = client.get_registered_model(unique).tags
    assert len([name for name in tags if name.startswith("tradai.ledger.")]) == 2


def test_a_promotion_that_expects_another_champion_is_refused(
    registry: ModelRegistry, client: MLflowClient, run: Path, unique: str
) -> None:
    registry.register(unique, run)
    registry.register(unique, run)
    with pytest.raises(ConflictError, match="points at no version, expected version 2"):
        registry.promote(unique, 1, policy=OPEN, expect=2)
    registry.promote(unique, 1, policy=OPEN, expect=None)

    with pytest.raises(ConflictError, match="points at version 1, expected no version"):
        registry.promote(unique, 2, policy=OPEN, expect=None)

    assert client.get_registered_model(unique).aliases == {"champion": 1}


@pytest.mark.parametrize("calls", [4, 5])
def test_a_rollback_takes_four_calls_and_one_to_read_back_where_no_lease_is_held(
    calls: int,
    registry: ModelRegistry,
    proxy: FaultProxy,
    settings: ModelSettings,
    run: Path,
    unique: str,
) -> None:
    for version in (1, 2, 3):
        registry.register(unique, run)
        registry.promote(unique, version, policy=OPEN)
    has_lease = calls == 4
    leases = f"file:{run.parent / 'leases'}" if has_lease else None

    with MLflowClient(uri=proxy.url) as client:
        client.server()  # asks for the version of the server
        proxy.plan()
        rolled_back = ModelRegistry(client, settings.model_copy(update={"leases": leases}))
        first = rolled_back.rollback(unique)

    assert len([request for request in proxy.seen if not request.endswith("/version")]) == calls
    assert (first.before, first.after, first.is_atomic) == (3, 2, has_lease)


def test_each_rollback_goes_one_promotion_further_back(
    registry: ModelRegistry, run: Path, unique: str
) -> None:
    for version in (1, 2, 3):
        registry.register(unique, run)
        registry.promote(unique, version, policy=OPEN)

    first = registry.rollback(unique)
    assert (first.before, first.after) == (3, 2)
    second = registry.rollback(unique)
    assert (second.before, second.after) == (2, 1)
    with pytest.raises(NotFoundError, match="no version that champion pointed at before"):
        registry.rollback(unique)
    assert registry.resolve(f"{unique}@champion").version == 1


def test_a_rollback_to_a_damaged_or_deleted_version_leaves_the_alias(
    registry: ModelRegistry, client: MLflowClient, run: Path, unique: str
) -> None:
    for version in (1, 2):
        registry.register(unique, run)
        registry.promote(unique, version, policy=OPEN)
    client.set_model_version_tag(unique, 1, "tradai.config.000", "{}")

    with pytest.raises(ModelIntegrityError):
        registry.rollback(unique)
    client.delete_model_version(unique, 1)
    with pytest.raises(ModelVersionNotFoundError):
        registry.rollback(unique)

    assert client.get_registered_model(unique).aliases == {"champion": 2}


def test_a_file_that_is_gone_from_the_server_stops_a_promotion(
    registry: ModelRegistry, server: MLflowServer, client: MLflowClient, run: Path, unique: str
) -> None:
    version = registry.register(unique, run)
    artifact(server, version.source, "strategy/indicators/ema.py").unlink()

    with pytest.raises(PromotionRefusedError, match=r"missing: strategy/indicators/ema\.py"):
        registry.promote(unique, 1, policy=OPEN)

    assert client.get_registered_model(unique).aliases == {}


Meanwhile = Callable[[str, int], AbstractContextManager[ModelRegistry]]


@pytest.fixture
def meanwhile(
    registry: ModelRegistry, server: MLflowServer, settings: ModelSettings, unique: str
) -> Meanwhile:
    """Lend a registry before whose first request of a kind another one promotes a version."""

    @contextmanager
    def lend(request: str, version: int) -> Iterator[ModelRegistry]:
        moves: list[AliasMove] = []

        def promote() -> None:
            moves.append(registry.promote(unique, version, policy=OPEN))

        with (
            Interceptor(server.url, request, promote) as proxy,
            MLflowClient(uri=proxy.url) as client,
        ):
            yield ModelRegistry(client, settings)
        assert [move.after for move in moves] == [version]

    return lend


@pytest.mark.parametrize(
    ("kind", "stands"),
    [("registered-models/set-tag", 3), ("registered-models/alias", 2)],
    ids=["before its entry", "before its move"],
)
def test_without_a_lease_two_promotions_at_once_are_noticed(
    kind: str, stands: int, registry: ModelRegistry, meanwhile: Meanwhile, run: Path, unique: str
) -> None:
    for _ in range(3):
        registry.register(unique, run)
    registry.promote(unique, 1, policy=OPEN)
    noticed = f"several processes at once, and points at version {stands}"

    with meanwhile(kind, 3) as slow, pytest.raises(ConflictError, match=noticed):
        slow.promote(unique, 2, policy=OPEN)

    assert registry.resolve(f"{unique}@champion").version == stands


def test_without_a_lease_a_rollback_reads_back_what_it_set(
    registry: ModelRegistry, meanwhile: Meanwhile, run: Path, unique: str
) -> None:
    for version in (1, 2, 3):
        registry.register(unique, run)
        registry.promote(unique, version, policy=OPEN)
    noticed = "several processes at once, and points at version 2"

    with (
        meanwhile("registered-models/set-tag", 1) as slow,
        pytest.raises(ConflictError, match=noticed),
    ):
        slow.rollback(unique)


class MeetingProxy(FaultProxy):
    """A proxy that passes on requests to write a ledger when all of them are there."""

    def __init__(self, upstream: str, parties: int) -> None:
        super().__init__(upstream)
        self._barrier = threading.Barrier(parties, timeout=300)

    def fault_for(self, request: str) -> Fault | None:
        """Wait for the others."""
        if "registered-models/set-tag" in request:
            self._barrier.wait()
        return super().fault_for(request)


def test_of_six_promotions_at_once_without_a_lease_at_most_one_moves_the_alias(
    registry: ModelRegistry, server: MLflowServer, settings: ModelSettings, run: Path, unique: str
) -> None:
    versions = range(1, 7)
    for _ in versions:
        registry.register(unique, run)

    with (
        MeetingProxy(server.url, len(versions)) as proxy,
        MLflowClient(uri=proxy.url) as client,
        ThreadPoolExecutor(len(versions)) as pool,
    ):
        promoting = ModelRegistry(client, settings)
        ends = [pool.submit(promoting.promote, unique, each, policy=OPEN) for each in versions]
        errors = [end.exception() for end in ends]

    stands = MLflowClient(uri=server.url).get_registered_model(unique).aliases.get("champion")
    moved = [version for version, error in zip(versions, errors, strict=True) if error is None]
    assert moved == ([] if stands is None else [stands])
    assert {type(error) for error in errors if error} == {ConflictError}


def test_with_a_lease_promotions_at_once_are_made_one_after_another(
    client: MLflowClient, tmp_path: Path, run: Path, unique: str
) -> None:
    settings = ModelSettings(cache=tmp_path / "cache", leases=f"file:{tmp_path / 'leases'}")
    registry = ModelRegistry(client, settings)
    versions = range(1, 5)
    for _ in versions:
        registry.register(unique, run)
    barrier = threading.Barrier(len(versions))

    def promote(version: int) -> tuple[int | None, int]:
        barrier.wait()
        move = ModelRegistry(client, settings).promote(unique, version, policy=OPEN)
        assert move.is_atomic
        return move.before, move.after

    with ThreadPoolExecutor(len(versions)) as pool:
        moves = list(pool.map(promote, versions))

    # Each found the alias where another one had left it: the moves are one chain.
    assert sorted(after for _, after in moves) == list(versions)
    assert len({before for before, _ in moves}) == len(versions)
    last = client.get_registered_model(unique).aliases["champion"]
    assert last not in {before for before, _ in moves}


def test_a_candidate_whose_tags_are_damaged_is_refused_by_the_gates(
    registry: ModelRegistry, client: MLflowClient, run: Path, unique: str
) -> None:
    registry.register(unique, run)
    client.set_model_version_tag(unique, 1, "tradai.record.chunks", "2")

    with pytest.raises(PromotionRefusedError, match=r"its tag tradai\.record\.001 is missing"):
        registry.promote(unique, 1, policy=OPEN)


@pytest.mark.parametrize("alias", ["latest", "v7", "a b", ""])
def test_an_alias_that_means_something_else_is_refused(
    alias: str, registry: ModelRegistry, unique: str
) -> None:
    with pytest.raises(ValidationError, match="is not usable: expected letters, digits"):
        registry.promote(unique, 1, policy=OPEN, alias=alias)
    with pytest.raises(ValidationError, match="is not usable: expected letters, digits"):
        registry.rollback(unique, alias=alias)


def test_an_alias_that_differs_only_in_its_case_is_refused(
    registry: ModelRegistry, client: MLflowClient, run: Path, unique: str
) -> None:
    registry.register(unique, run)
    registry.promote(unique, 1, policy=OPEN)

    with pytest.raises(ValidationError, match="has the alias 'champion', which is not 'Champion'"):
        registry.promote(unique, 1, policy=OPEN, alias="Champion")

    assert client.get_registered_model(unique).aliases == {"champion": 1}

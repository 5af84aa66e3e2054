"""Register, resolve, promote and roll back versions on real servers of two releases."""

import hashlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import pytest
from servers.fault_proxy import Fault, FaultProxy
from servers.mlflow import MLflowServer
from tracking.proven_run import CONFIG, STRATEGY, proven_run

from tradai.core import StrategyConfigLoader, Timeframe
from tradai.core.exceptions import ConflictError, NotFoundError, TradAIError, ValidationError
from tradai.mlflow import (
    AliasNotFoundError,
    ArtifactNotFoundError,
    CorruptArtifactError,
    LoginRefusedError,
    MLflowClient,
    ModelIntegrityError,
    ModelKind,
    ModelNotFoundError,
    ModelRegistry,
    ModelSettings,
    ModelStage,
    ModelVersionNotFoundError,
    PromotionPolicy,
    PromotionRefusedError,
    RegistryLayer,
    StaleModelError,
)

OPEN = PromotionPolicy()
DAY = Timeframe("1d")


class HandClock:
    """A clock that tests set."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 29, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def settings(tmp_path: Path) -> ModelSettings:
    return ModelSettings(cache=tmp_path / "cache", deadline_s=1, files_deadline_s=2)


@pytest.fixture
def client(server: MLflowServer) -> Iterator[MLflowClient]:
    with MLflowClient(uri=server.url) as client:
        yield client


@pytest.fixture
def registry(client: MLflowClient, settings: ModelSettings, clock: HandClock) -> ModelRegistry:
    return ModelRegistry(client, settings, clock=clock)


@pytest.fixture
def through_proxy(
    proxy: FaultProxy, settings: ModelSettings, clock: HandClock
) -> Iterator[ModelRegistry]:
    """The registry behind the proxy, with the cache of `registry`."""
    with MLflowClient(uri=proxy.url) as client:
        yield ModelRegistry(client, settings, clock=clock)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return proven_run(tmp_path / "run-1")


class Interceptor(FaultProxy):
    """A proxy that does something before it passes on the first request that matches."""

    def __init__(self, upstream: str, match: str, action: Callable[[], object]) -> None:
        super().__init__(upstream)
        self._match = match
        self._action: Callable[[], object] | None = action

    def fault_for(self, request: str) -> Fault | None:
        """Do it."""
        if self._action is not None and self._match in request:
            action, self._action = self._action, None
            action()
        return super().fault_for(request)


def files_below(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def artifact(server: MLflowServer, source: str, name: str) -> Path:
    """Return the file on the server's disk."""
    return server.folder / "artifacts" / source.removeprefix("mlflow-artifacts:/") / name


def test_a_version_comes_back_whole_with_its_digests(
    registry: ModelRegistry, run: Path, unique: str
) -> None:
    version = registry.register(unique, run, image=f"repo/bot@sha256:{'d' * 64}", by="ada")

    resolved = registry.resolve(unique, version=version.version)

    assert resolved.config.model_dump(mode="json")["execution"]["stake_amount"] == "50.10"
    assert files_below(resolved.folder) == {
        "strategy/trend.py": STRATEGY.encode(),
        "strategy/indicators/ema.py": b"LENGTH = 24\n",
    }
    record = resolved.record
    assert {file.path: file.sha256 for file in record.files} == {
        path: hashlib.sha256(data).hexdigest()
        for path, data in files_below(resolved.folder).items()
    }
    assert (record.digests["source"], record.digests["data"]) == ("a" * 64, "b" * 64)
    assert (record.run_id, record.image) == ("run-1", f"sha256:{'d' * 64}")
    assert record.metrics == {
        "trades": 297,
        "profit_percent": 3.5605,
        "max_drawdown_percent": 8.9677,
    }
    assert record.data_until == datetime(2025, 7, 1, tzinfo=UTC)


def test_the_run_that_proves_a_version_is_on_the_server_with_its_figures(
    registry: ModelRegistry, client: MLflowClient, run: Path, unique: str
) -> None:
    first = registry.register(unique, run, experiment=unique)
    second = registry.register(unique, run, experiment=unique)

    assert first.run_id == second.run_id
    assert first.run_id is not None
    proof = client.get_run(first.run_id)
    assert proof.metrics["trades"] == 297
    assert proof.tags["tradai.run_id"] == "run-1"
    assert {info.path for info in client.list_artifacts(proof)} == {
        "manifest.json",
        "models",
        "report.html",
    }


def test_trained_models_travel_with_their_strategy(
    registry: ModelRegistry, tmp_path: Path, unique: str
) -> None:
    folder = proven_run(tmp_path / "train-1", files={"models/sub-train-1/btc_model.bin": b"\0\1"})
    registry.register(unique, folder)

    resolved = registry.resolve(unique, version="latest")

    assert resolved.record.kind is ModelKind.FREQAI
    assert resolved.models_folder is not None
    assert files_below(resolved.models_folder) == {"sub-train-1/btc_model.bin": b"\0\1"}


def test_a_configuration_of_200_kilobytes_comes_back(
    registry: ModelRegistry, tmp_path: Path, unique: str
) -> None:
    parameters = {f"key_{index}": "\N{EURO SIGN} ' \\ \"" * 40 for index in range(1_000)}
    folder = proven_run(tmp_path / "run-1", config={"parameters": parameters})
    registry.register(unique, folder)

    resolved = registry.resolve(unique, version="latest")

    assert len(str(parameters)) > 200_000
    assert dict(resolved.config.parameters) == parameters


def test_resolving_asks_once_and_fetches_each_file_once(
    through_proxy: ModelRegistry, proxy: FaultProxy, run: Path, unique: str
) -> None:
    through_proxy.register(unique, run)
    through_proxy.promote(unique, 1, policy=OPEN)
    proxy.plan()

    through_proxy.resolve(f"{unique}@champion")
    cold = list(proxy.seen)
    through_proxy.resolve(f"{unique}@champion")

    assert [request.split("?")[0] for request in cold[:1]] == [
        "GET /api/2.0/mlflow/registered-models/alias"
    ]
    assert len(cold) == 1 + 2
    assert len(proxy.seen) == len(cold) + 1


@pytest.mark.parametrize(
    ("choice", "error"),
    [
        ("{}@challenger", AliasNotFoundError),
        ("{}@v9", ModelVersionNotFoundError),
        ("{}@stage:Production", ModelVersionNotFoundError),
        ("{}-other@champion", (AliasNotFoundError, ModelNotFoundError)),
        ("{}-other@latest", (ModelNotFoundError, ModelVersionNotFoundError)),
        ("{}@stage:production", ValidationError),
        ("{}", ValidationError),
    ],
)
def test_a_choice_of_nothing_is_one_typed_sentence(
    choice: str,
    error: type[Exception] | tuple[type[Exception], ...],
    registry: ModelRegistry,
    run: Path,
    unique: str,
) -> None:
    registry.register(unique, run)

    with pytest.raises(error):
        registry.resolve(choice.format(unique))


def test_a_stage_is_resolved_to_its_newest_version(
    registry: ModelRegistry, client: MLflowClient, run: Path, unique: str
) -> None:
    for version in (1, 2, 3):
        registry.register(unique, run)
        if version < 3:
            client.transition_stage(unique, version, ModelStage.PRODUCTION)

    assert registry.resolve(unique, stage="Production").version == 2


def test_a_version_that_tradai_did_not_register_is_refused(
    registry: ModelRegistry, client: MLflowClient, unique: str
) -> None:
    group = client.experiment(unique)
    other = client.create_run(group.experiment_id, name="other tool")
    client.registered_model(unique)
    client.create_model_version(unique, source=other.artifact_uri, run_id=other.run_id)

    with pytest.raises(ModelIntegrityError, match="was not registered by tradai"):
        registry.resolve(unique, version=1)


def test_a_changed_tag_is_refused_and_nothing_is_kept(
    registry: ModelRegistry, client: MLflowClient, settings: ModelSettings, run: Path, unique: str
) -> None:
    registry.register(unique, run)
    client.set_model_version_tag(unique, 1, "tradai.config.000", "{}")

    with pytest.raises(ModelIntegrityError, match=f"version 1 of model '{unique}'"):
        registry.resolve(unique, version=1)

    assert not settings.cache_folder().exists()


@pytest.mark.parametrize("damage", ["changed", "cut"])
def test_an_artifact_that_was_damaged_on_the_server_is_refused(
    damage: str,
    registry: ModelRegistry,
    server: MLflowServer,
    settings: ModelSettings,
    run: Path,
    unique: str,
) -> None:
    version = registry.register(unique, run)
    file = artifact(server, version.source, "strategy/trend.py")
    data = file.read_bytes()
    file.write_bytes(data[:-5] if damage == "cut" else data.replace(b"Trend", b"Trent"))

    with pytest.raises(CorruptArtifactError, match=r"strategy/trend\.py"):
        registry.resolve(unique, version=1)

    assert not list((settings.cache_folder() / "versions").iterdir())


@pytest.mark.parametrize("action", ["garble", "cut"])
def test_an_artifact_that_is_damaged_on_the_way_is_never_used(
    action: Literal["garble", "cut"],
    server: MLflowServer,
    settings: ModelSettings,
    run: Path,
    unique: str,
) -> None:
    fault = Fault(match=r"GET .*trend\.py", action=action, times=1_000, keep=3)
    with FaultProxy(server.url) as proxy, MLflowClient(uri=proxy.url) as client:
        registry = ModelRegistry(client, settings)
        registry.register(unique, run)
        proxy.plan(fault)

        with pytest.raises((CorruptArtifactError, StaleModelError)):
            registry.resolve(unique, version=1)

    assert not list((settings.cache_folder() / "versions").iterdir())


def test_a_file_that_is_gone_from_the_server_is_named(
    registry: ModelRegistry, server: MLflowServer, run: Path, unique: str
) -> None:
    version = registry.register(unique, run)
    artifact(server, version.source, "strategy/trend.py").unlink()

    with pytest.raises(ArtifactNotFoundError, match=r"strategy/trend\.py"):
        registry.resolve(unique, version=1)


def test_a_version_that_is_deleted_while_it_is_resolved_is_resolved_whole(
    registry: ModelRegistry,
    client: MLflowClient,
    server: MLflowServer,
    settings: ModelSettings,
    run: Path,
    unique: str,
) -> None:
    registry.register(unique, run)
    registry.promote(unique, 1, policy=OPEN)

    def delete() -> None:
        client.delete_model_version(unique, 1)

    with (
        Interceptor(server.url, "artifacts/", delete) as proxy,
        MLflowClient(uri=proxy.url) as deleting,
    ):
        resolved = ModelRegistry(deleting, settings).resolve(f"{unique}@champion")

    assert resolved.version == 1
    assert (resolved.strategy_folder / "trend.py").read_text() == STRATEGY
    with pytest.raises((AliasNotFoundError, ModelVersionNotFoundError)):
        registry.resolve(f"{unique}@champion", max_stale=DAY)


def test_without_its_server_a_choice_is_refused_unless_its_age_is_allowed(
    server: MLflowServer, settings: ModelSettings, clock: HandClock, run: Path, unique: str
) -> None:
    with FaultProxy(server.url) as proxy:
        registry = ModelRegistry(MLflowClient(uri=proxy.url), settings, clock=clock)
        registry.register(unique, run)
        registry.promote(unique, 1, policy=OPEN)
        known = registry.resolve(f"{unique}@champion")
    clock.at += timedelta(hours=3)

    with pytest.raises(StaleModelError, match=r"3 h 0 min ago, and .* allows none") as refused:
        registry.resolve(f"{unique}@champion")
    assert refused.value.age_s == 10_800
    with pytest.raises(StaleModelError, match="allows an age of 2h"):
        registry.resolve(f"{unique}@champion", max_stale=Timeframe("2h"))
    with pytest.raises(StaleModelError, match="was not before on this machine") as unknown:
        registry.resolve(unique, version=1, max_stale=DAY)
    assert unknown.value.age_s is None

    stale = registry.resolve(f"{unique}@champion", max_stale=DAY)

    assert stale.stale == timedelta(hours=3)
    assert (stale.version, stale.folder, stale.config) == (1, known.folder, known.config)
    assert (stale.strategy_folder / "trend.py").read_text() == STRATEGY


def test_an_answer_from_the_future_is_not_used(
    server: MLflowServer, settings: ModelSettings, clock: HandClock, run: Path, unique: str
) -> None:
    with FaultProxy(server.url) as proxy:
        registry = ModelRegistry(MLflowClient(uri=proxy.url), settings, clock=clock)
        registry.register(unique, run)
        registry.resolve(unique, version=1)
    clock.at -= timedelta(minutes=5)

    with pytest.raises(StaleModelError):
        registry.resolve(unique, version=1, max_stale=DAY)


def test_without_its_server_a_version_with_a_damaged_file_is_refused(
    server: MLflowServer, settings: ModelSettings, run: Path, unique: str
) -> None:
    with FaultProxy(server.url) as proxy:
        registry = ModelRegistry(MLflowClient(uri=proxy.url), settings)
        registry.register(unique, run)
        file = registry.resolve(unique, version=1).strategy_folder / "trend.py"
    file.chmod(0o600)
    file.write_text("class Other: ...\n")

    with pytest.raises(StaleModelError, match="not all files of version 1 are on this machine"):
        registry.resolve(unique, version=1, max_stale=DAY)


def test_a_failing_server_is_like_none_and_a_refusal_is_not(
    registry: ModelRegistry, through_proxy: ModelRegistry, proxy: FaultProxy, run: Path, unique: str
) -> None:
    registry.register(unique, run)
    through_proxy.resolve(unique, version=1)

    proxy.plan(Fault(match=".", action="answer", status=401, times=1_000, body=b"<h1>no</h1>"))
    with pytest.raises(LoginRefusedError):
        through_proxy.resolve(unique, version=1, max_stale=DAY)

    proxy.plan(Fault(match=".", action="answer", status=503, times=1_000))
    assert through_proxy.resolve(unique, version=1, max_stale=DAY).stale is not None


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


def test_a_rollback_takes_four_calls_and_a_second_one_goes_further_back(
    registry: ModelRegistry, through_proxy: ModelRegistry, proxy: FaultProxy, run: Path, unique: str
) -> None:
    for version in (1, 2, 3):
        registry.register(unique, run)
        registry.promote(unique, version, policy=OPEN)
    through_proxy.resolve(unique, version=1)  # asks for the version of the server
    proxy.plan()

    first = through_proxy.rollback(unique)

    assert len([request for request in proxy.seen if not request.endswith("/version")]) == 4
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


def test_without_a_lease_two_promotions_at_once_are_noticed(
    registry: ModelRegistry, server: MLflowServer, settings: ModelSettings, run: Path, unique: str
) -> None:
    for _ in range(3):
        registry.register(unique, run)
    registry.promote(unique, 1, policy=OPEN)

    def promote_another() -> None:
        assert registry.promote(unique, 3, policy=OPEN).after == 3

    with (
        Interceptor(server.url, "registered-models/set-tag", promote_another) as proxy,
        MLflowClient(uri=proxy.url) as slow,
        pytest.raises(ConflictError, match="two promotions at once, and points at version 2"),
    ):
        ModelRegistry(slow, settings).promote(unique, 2, policy=OPEN)


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


@pytest.mark.parametrize("character", ["/", ":"])
def test_a_name_that_mlflow_3_refuses_is_refused_before_anything_is_sent(
    character: str, through_proxy: ModelRegistry, proxy: FaultProxy, run: Path, unique: str
) -> None:
    with pytest.raises(ValidationError, match="a name without '/', ':'"):
        through_proxy.register(f"{unique}{character}x", run)

    assert proxy.seen == []


@pytest.mark.parametrize("mark", ["%", "%2F", "100% = \N{EURO SIGN}", "it's", "a@b"])
def test_a_name_with_unusual_characters_is_one_name_everywhere(
    mark: str, client: MLflowClient, tmp_path: Path, run: Path, unique: str
) -> None:
    name = f"{unique}{mark}"
    settings = ModelSettings(cache=tmp_path / "cache", leases=f"file:{tmp_path / 'leases'}")
    registry = ModelRegistry(client, settings)
    registry.register(name, run)
    registry.register(name, run)
    registry.promote(name, 1, policy=OPEN)
    registry.promote(name, 2, policy=OPEN)
    registry.rollback(name)

    assert registry.resolve(f"mlflow:{name}@champion").version == 1


def test_a_registration_that_fails_leaves_no_version(
    through_proxy: ModelRegistry, client: MLflowClient, proxy: FaultProxy, run: Path, unique: str
) -> None:
    refusal = Fault(match="model-versions/create", action="answer", status=403, body=b"{}")
    proxy.plan(refusal)

    with pytest.raises(TradAIError):
        through_proxy.register(unique, run)

    assert list(client.search_model_versions(filter=f"name = '{unique}'")) == []


def test_a_registration_whose_answer_is_lost_makes_one_version(
    through_proxy: ModelRegistry, client: MLflowClient, proxy: FaultProxy, run: Path, unique: str
) -> None:
    proxy.plan(Fault(match="model-versions/create", action="lose"))

    version = through_proxy.register(unique, run)

    found = list(client.search_model_versions(filter=f"name = '{unique}'"))
    assert [each.version for each in found] == [version.version] == [1]


def test_a_version_is_a_configuration_below_variables_and_overrides(
    registry: ModelRegistry, run: Path, unique: str
) -> None:
    registry.register(unique, run)
    registry.promote(unique, 1, policy=OPEN)
    layer = RegistryLayer.for_uri(f"mlflow:{unique}@champion")
    layer = RegistryLayer(layer.selector, registry=registry)

    loader = StrategyConfigLoader(
        layers=[layer], environ={"TRADAI_STRATEGY__EXECUTION__FEE": "0.001"}
    )
    loaded = loader.load_config(overrides=["execution.max_open_trades=2"])

    assert loaded.config.pairs == tuple(CONFIG["pairs"])
    place = f"mlflow:{unique}@champion version 1"
    assert str(loaded.provenance["execution.stake_amount"]) == place
    assert str(loaded.provenance["execution.fee"]) == "TRADAI_STRATEGY__EXECUTION__FEE"
    assert str(loaded.provenance["execution.max_open_trades"]) == "command line"
    assert loaded.source_root is not None
    assert (loaded.source_root / "trend.py").read_text() == STRATEGY
    (notice,) = loaded.notices
    assert notice.endswith(f" on {registry.server}: configuration v1-cccccccc, of run run-1")


def test_without_overrides_the_digest_is_the_one_of_the_registry(
    registry: ModelRegistry, run: Path, unique: str
) -> None:
    registry.register(unique, run)
    selector = RegistryLayer.for_uri(f"mlflow:{unique}@latest").selector

    loaded = StrategyConfigLoader(
        layers=[RegistryLayer(selector, registry=registry)], environ={}
    ).load_config()

    assert loaded.digest == registry.resolve(selector).record.config_digest

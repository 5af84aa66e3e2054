"""Register and resolve versions on real servers of two releases."""

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import pytest
import requests
from models.conftest import HandClock, Interceptor, artifact, files_below, leaving
from models.proven_run import CONFIG, STRATEGY, proven_run
from servers.fault_proxy import Fault, FaultProxy
from servers.mlflow import RELEASES, MLflowServer, Release

from tradai.core import StrategyConfigLoader, Timeframe
from tradai.core.exceptions import TradAIError, ValidationError
from tradai.mlflow import (
    AliasNotFoundError,
    ArtifactNotFoundError,
    CorruptArtifactError,
    MLflowClient,
    ModelIntegrityError,
    ModelKind,
    ModelNotFoundError,
    ModelRegistry,
    ModelSettings,
    ModelStage,
    ModelVersionNotFoundError,
    PromotionPolicy,
    RegistryLayer,
    ServerUnavailableError,
)

OPEN = PromotionPolicy()
DAY = Timeframe("1d")


@pytest.fixture(params=RELEASES)
def release(request: pytest.FixtureRequest) -> Release:
    """Release of the server: a test runs on each."""
    name: Release = request.param
    return name


def test_a_version_comes_back_whole_with_its_digests(
    registry: ModelRegistry, run: Path, unique: str
) -> None:
    version = registry.register(unique, run, image=f"repo/bot@sha256:{'d' * 64}", by="ada")

    resolved = registry.resolve(unique, version=version.version)

    assert resolved.config.model_dump(mode="json")["execution"]["stake_amount"] == "50.1"
    assert files_below(resolved.folder) == {
        "strategy/trend.py": STRATEGY.encode(),
        "strategy/indicators/ema.py": b"LENGTH = 24\n",
    }
    record = resolved.record
    assert {file.path: file.sha256 for file in record.files} == {
        path: hashlib.sha256(data).hexdigest()
        for path, data in files_below(resolved.folder).items()
    }
    assert record.digests == json.loads((run / "manifest.json").read_text())["digests"]
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


def test_a_file_that_is_changed_while_it_is_registered_leaves_no_version(
    server: MLflowServer, client: MLflowClient, settings: ModelSettings, run: Path, unique: str
) -> None:
    file = run / "strategy" / "indicators" / "ema.py"

    def change_it() -> None:
        file.write_bytes(b"LENGTH = 25\n")

    with (
        Interceptor(server.url, "registered-models/create", change_it) as proxy,
        MLflowClient(uri=proxy.url) as slow,
        pytest.raises(CorruptArtifactError, match=r"ema\.py was changed while it was registered"),
    ):
        ModelRegistry(slow, settings).register(unique, run)

    with pytest.raises((ModelNotFoundError, ModelVersionNotFoundError)):
        client.latest_model_version(unique)


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
        registry = ModelRegistry(client, settings.model_copy(update={"files_deadline_s": 2}))
        registry.register(unique, run)
        proxy.plan(fault)

        with pytest.raises((CorruptArtifactError, ServerUnavailableError)):
            registry.resolve(unique, version=1)

    assert not list((settings.cache_folder() / "versions").iterdir())


def test_a_file_that_is_gone_from_the_server_is_named(
    server: MLflowServer, settings: ModelSettings, run: Path, unique: str
) -> None:
    # MLflow 2.18 answers 500, after which the client asks that address no more for a while.
    with FaultProxy(server.url) as proxy, MLflowClient(uri=proxy.url) as client:
        registry = ModelRegistry(client, settings)
        version = registry.register(unique, run)
        artifact(server, version.source, "strategy/trend.py").unlink()

        with pytest.raises(
            (ArtifactNotFoundError, ServerUnavailableError), match=r"strategy/trend\.py"
        ):
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


@pytest.mark.parametrize("character", ["/", ":"])
def test_a_name_that_mlflow_3_refuses_is_refused_before_anything_is_sent(
    character: str, through_proxy: ModelRegistry, proxy: FaultProxy, run: Path, unique: str
) -> None:
    with pytest.raises(ValidationError, match="a name without '/', ':'"):
        through_proxy.register(f"{unique}{character}x", run)

    assert proxy.seen == []


def test_a_name_with_unusual_characters_is_one_name_everywhere(
    client: MLflowClient, tmp_path: Path, run: Path, unique: str
) -> None:
    name = f"{unique} 100%2F it's @ \N{EURO SIGN}"
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


def test_an_alias_is_pinned_to_its_version_also_while_the_server_is_gone(
    server: MLflowServer,
    settings: ModelSettings,
    impatient: ModelSettings,
    clock: HandClock,
    run: Path,
    unique: str,
) -> None:
    impatient = impatient.model_copy(update={"max_stale": Timeframe("1d")})
    selector = RegistryLayer.for_uri(f"mlflow:{unique}@champion").selector
    with leaving(server) as client:
        registry = ModelRegistry(client, settings, clock=clock)
        registry.register(unique, run)
        registry.promote(unique, 1, policy=OPEN)
        assert RegistryLayer(selector, registry=registry).pinned() == f"mlflow:{unique}@v1"
        registry.register(unique, run)
        registry.promote(unique, 2, policy=OPEN)
        assert RegistryLayer(selector, registry=registry).pinned() == f"mlflow:{unique}@v2"

    registry = ModelRegistry(client, impatient, clock=clock)
    pinned = RegistryLayer(selector, registry=registry).pinned()

    assert pinned == f"mlflow:{unique}@v2"
    assert registry.resolve(pinned).version == 2


def test_files_with_names_in_any_language_come_back(
    registry: ModelRegistry, tmp_path: Path, unique: str
) -> None:
    names = ("strategy/größe 1.csv", "strategy/価格/b+c&d=e?.csv", "strategy/'x';~!@$.csv")
    run = proven_run(tmp_path / "run-1", files={name: name.encode() for name in names})
    registry.register(unique, run)

    resolved = registry.resolve(unique, version=1)

    assert {name: (resolved.folder / name).read_bytes() for name in names} == {
        name: name.encode() for name in names
    }


@pytest.mark.parametrize("name", ["strategy/step%20.csv", "strategy/a#b.csv"])
def test_a_file_name_that_servers_change_is_refused_before_anything_is_sent(
    name: str, through_proxy: ModelRegistry, proxy: FaultProxy, tmp_path: Path, unique: str
) -> None:
    run = proven_run(tmp_path / "run-1", files={name: b"1"})

    with pytest.raises(ValidationError, match="expected a name without backslashes, % and #"):
        through_proxy.register(unique, run)

    assert proxy.seen == []


def test_a_model_that_was_deleted_and_made_again_is_not_mixed_with_the_old_one(
    registry: ModelRegistry, server: MLflowServer, tmp_path: Path, unique: str
) -> None:
    registry.register(unique, proven_run(tmp_path / "run-1"))
    old = registry.resolve(unique, version=1)
    # Our client removes no model.
    gone = requests.delete(
        f"{server.url}/api/2.0/mlflow/registered-models/delete", json={"name": unique}, timeout=60
    )
    assert gone.ok
    changed = {"strategy/trend.py": STRATEGY.encode() + b"# other\n"}
    registry.register(unique, proven_run(tmp_path / "run-2", files=changed))

    new = registry.resolve(unique, version=1)

    assert (old.record.run_id, new.record.run_id) == ("run-1", "run-2")
    assert (new.strategy_folder / "trend.py").read_bytes() == changed["strategy/trend.py"]
    assert (old.strategy_folder / "trend.py").read_text() == STRATEGY


def test_without_overrides_the_digest_is_the_one_of_the_registry(
    registry: ModelRegistry, run: Path, unique: str
) -> None:
    registry.register(unique, run)
    selector = RegistryLayer.for_uri(f"mlflow:{unique}@latest").selector

    loaded = StrategyConfigLoader(
        layers=[RegistryLayer(selector, registry=registry)], environ={}
    ).load_config()

    assert loaded.digest == registry.resolve(selector).record.config_digest


def test_an_image_without_its_digest_is_refused_before_anything_is_sent(
    through_proxy: ModelRegistry, proxy: FaultProxy, run: Path, unique: str
) -> None:
    with pytest.raises(ValidationError, match="expected an image by its digest"):
        through_proxy.register(unique, run, image="repo/bot:latest")

    assert proxy.seen == []


def test_two_choices_at_once_are_refused(registry: ModelRegistry, unique: str) -> None:
    with pytest.raises(ValidationError, match="not usable"):
        registry.resolve(unique, alias="champion", version="latest")
    with pytest.raises(ValidationError, match="not usable"):
        registry.resolve(unique, stage="Production", version=1)

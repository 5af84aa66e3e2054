"""Resolve versions while their server cannot be reached."""

from datetime import timedelta
from pathlib import Path

import pytest
from models.conftest import HandClock, leaving
from models.proven_run import STRATEGY, proven_run
from servers.fault_proxy import Fault, FaultProxy
from servers.mlflow import MLflowServer

from tradai.core import Timeframe
from tradai.mlflow import (
    LoginRefusedError,
    MLflowClient,
    ModelRegistry,
    ModelSettings,
    PromotionPolicy,
    ServerUnavailableError,
    StaleModelError,
)

OPEN = PromotionPolicy()
DAY = Timeframe("1d")


def test_without_its_server_a_choice_is_refused_unless_its_age_is_allowed(
    server: MLflowServer,
    settings: ModelSettings,
    impatient: ModelSettings,
    clock: HandClock,
    run: Path,
    unique: str,
) -> None:
    with leaving(server) as client:
        registry = ModelRegistry(client, settings, clock=clock)
        registry.register(unique, run)
        registry.promote(unique, 1, policy=OPEN)
        known = registry.resolve(f"{unique}@champion")
    registry = ModelRegistry(client, impatient, clock=clock)
    clock.at += timedelta(hours=3)

    with pytest.raises(StaleModelError, match=r"3 h 0 min ago, and .* allows none") as refused:
        registry.resolve(f"{unique}@champion")
    assert refused.value.age_s == 10_800
    with pytest.raises(StaleModelError, match="allows an age of 2h"):
        registry.resolve(f"{unique}@champion", max_stale=Timeframe("2h"))
    with pytest.raises(StaleModelError, match="was not before on this machine") as unknown:
        registry.resolve(unique, version="latest", max_stale=DAY)
    assert unknown.value.age_s is None

    stale = registry.resolve(f"{unique}@champion", max_stale=DAY)

    assert stale.stale == timedelta(hours=3)
    assert (stale.version, stale.folder, stale.config) == (1, known.folder, known.config)
    assert (stale.strategy_folder / "trend.py").read_text() == STRATEGY


def test_an_answer_from_the_future_is_not_used(
    server: MLflowServer,
    settings: ModelSettings,
    impatient: ModelSettings,
    clock: HandClock,
    run: Path,
    unique: str,
) -> None:
    with leaving(server) as client:
        registry = ModelRegistry(client, settings, clock=clock)
        registry.register(unique, run)
        registry.resolve(unique, version=1)
    clock.at -= timedelta(minutes=5)

    with pytest.raises(StaleModelError):
        ModelRegistry(client, impatient, clock=clock).resolve(unique, version=1, max_stale=DAY)


def test_without_its_server_a_version_with_a_damaged_file_is_refused(
    server: MLflowServer, settings: ModelSettings, impatient: ModelSettings, run: Path, unique: str
) -> None:
    with leaving(server) as client:
        registry = ModelRegistry(client, settings)
        registry.register(unique, run)
        file = registry.resolve(unique, version=1).strategy_folder / "trend.py"
    file.chmod(0o600)
    file.write_text("class Other: ...\n")

    with pytest.raises(StaleModelError, match="not all files of version 1 are on this machine"):
        ModelRegistry(client, impatient).resolve(unique, version=1, max_stale=DAY)


def test_a_failing_server_is_like_none_and_a_refusal_is_not(
    registry: ModelRegistry,
    through_proxy: ModelRegistry,
    impatient_through_proxy: ModelRegistry,
    proxy: FaultProxy,
    run: Path,
    unique: str,
) -> None:
    registry.register(unique, run)
    through_proxy.resolve(unique, version=1)

    proxy.plan(Fault(match=".", action="answer", status=401, times=1_000, body=b"<h1>no</h1>"))
    with pytest.raises(LoginRefusedError):
        through_proxy.resolve(unique, version=1, max_stale=DAY)

    proxy.plan(Fault(match=".", action="answer", status=503, times=1_000))
    assert impatient_through_proxy.resolve(unique, version=1, max_stale=DAY).stale is not None


def test_an_older_version_does_not_stand_in_for_one_whose_files_cannot_be_fetched(
    through_proxy: ModelRegistry,
    proxy: FaultProxy,
    proxied: MLflowClient,
    settings: ModelSettings,
    run: Path,
    unique: str,
) -> None:
    through_proxy.register(unique, run)
    through_proxy.promote(unique, 1, policy=OPEN)
    through_proxy.resolve(f"{unique}@champion")
    changed = {"strategy/trend.py": f"{STRATEGY}\n# of the second version\n".encode()}
    through_proxy.register(unique, proven_run(run.with_name("run-2"), files=changed))
    through_proxy.promote(unique, 2, policy=OPEN)

    proxy.plan(Fault(match="mlflow-artifacts", action="answer", status=503, times=1_000))
    soon = ModelRegistry(proxied, settings.model_copy(update={"files_deadline_s": 2}))

    with pytest.raises(ServerUnavailableError):
        soon.resolve(f"{unique}@champion", max_stale=DAY)

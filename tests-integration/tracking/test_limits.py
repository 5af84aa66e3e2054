"""Values that are as long as a server keeps them, and longer ones, which are never cut."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

import pytest
from servers.mlflow import Release

from tradai.mlflow import ExperimentRun, LimitExceededError, MLflowClient, RunMetric

START: Final = datetime(2026, 11, 29, tzinfo=UTC)
# Longest tag of a model and of a version that each release keeps.
MODEL_TAG: Final[Mapping[Release, int]] = {"2.18": 5_000, "3.17": 100_000}


@pytest.fixture
def run(client: MLflowClient, unique: str) -> ExperimentRun:
    """A new run."""
    return client.create_run(client.experiment(unique).experiment_id, name=unique)


def test_the_longest_values_are_kept_whole(
    client: MLflowClient, run: ExperimentRun, release: Release, unique: str
) -> None:
    params, tags = {"k" * 250: "p" * 6_000}, {"t" * 250: "ü" * 8_000}
    client.log_batch(run.run_id, params=params, tags=tags)
    client.registered_model(unique)
    longest = "ü" * MODEL_TAG[release]
    version = client.create_model_version(
        unique, source=run.artifact_uri, run_id=run.run_id, tags={"config.000": longest}
    )
    client.set_model_version_tag(unique, version.version, "config.001", longest)
    client.set_model_tag(unique, "note", longest)

    found = client.get_run(run.run_id)
    assert (found.params, tags.items() <= found.tags.items()) == (params, True)
    kept = client.get_model_version(unique, version.version).tags
    assert (kept["config.000"], kept["config.001"]) == (longest, longest)
    assert client.get_registered_model(unique).tags == {"note": longest}


def test_a_value_that_the_server_would_cut_is_refused_before_anything_is_sent(
    client: MLflowClient, run: ExperimentRun
) -> None:
    point = RunMetric(key="m" * 251, value=1.0, at=START)
    for fields in (
        {"params": {"pairs": "p" * 6_001}},
        {"params": {"k" * 251: "p"}},
        {"tags": {"note": "t" * 8_001}},
        {"tags": {"t" * 251: "t"}},
        {"metrics": [point]},
    ):
        with pytest.raises(LimitExceededError) as caught:
            client.log_batch(run.run_id, **{"params": {"first": "1"}, **fields})  # type: ignore[arg-type] # one of three kinds
        assert caught.value.actual == caught.value.limit + 1

    assert client.get_run(run.run_id).params == {}


def test_a_tag_of_a_version_that_the_server_would_refuse_is_refused_by_name(
    client: MLflowClient, run: ExperimentRun, release: Release, unique: str
) -> None:
    client.registered_model(unique)
    too_long = "c" * (MODEL_TAG[release] + 1)

    with pytest.raises(LimitExceededError, match="config"):
        client.create_model_version(
            unique, source=run.artifact_uri, run_id=run.run_id, tags={"config": too_long}
        )
    with pytest.raises(LimitExceededError, match="config"):
        client.set_model_tag(unique, "config", too_long)

    assert list(client.search_model_versions(filter=f"name = '{unique}'")) == []

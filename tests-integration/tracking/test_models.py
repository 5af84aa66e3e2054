"""Registered models, their versions, aliases, stages and tags on servers of both releases."""

import pytest
from servers.mlflow import MLflowServer

from tradai.mlflow import (
    AliasNotFoundError,
    ExperimentRun,
    MLflowClient,
    ModelNotFoundError,
    ModelStage,
    ModelVersion,
    ModelVersionNotFoundError,
)


@pytest.fixture
def run(client: MLflowClient, unique: str) -> ExperimentRun:
    """A new run."""
    return client.create_run(client.experiment(unique).experiment_id, name=unique)


@pytest.fixture
def version(client: MLflowClient, run: ExperimentRun, unique: str) -> ModelVersion:
    """The first version of a new model."""
    client.registered_model(unique)
    return client.create_model_version(
        unique, source=f"{run.artifact_uri}/strategy", run_id=run.run_id, tags={"timeframe": "5m"}
    )


def test_a_model_is_created_once(client: MLflowClient, unique: str) -> None:
    first = client.registered_model(unique)

    assert first == client.registered_model(unique) == client.get_registered_model(unique)
    assert [
        found.name for found in client.search_registered_models(filter=f"name = '{unique}'")
    ] == [unique]


def test_a_version_is_read_as_it_was_written(
    client: MLflowClient, version: ModelVersion, run: ExperimentRun, unique: str
) -> None:
    found = client.get_model_version(unique, 1)

    assert found == version
    assert (found.name, found.version, found.run_id) == (unique, 1, run.run_id)
    assert found.source == f"{run.artifact_uri}/strategy"
    assert found.tags["timeframe"] == "5m"
    assert found.created_at is not None
    assert found.stage == ModelStage.NONE


def test_an_alias_points_to_the_version_that_it_was_given_last(
    client: MLflowClient, version: ModelVersion, unique: str
) -> None:
    second = client.create_model_version(unique, source=version.source, run_id=version.run_id)
    client.set_alias(unique, "champion", 1)

    client.set_alias(unique, "champion", second.version)

    assert client.model_version_by_alias(unique, "champion").version == second.version == 2
    assert client.get_registered_model(unique).aliases == {"champion": 2}
    assert client.get_model_version(unique, 2).aliases == ("champion",)


def test_an_alias_that_was_deleted_is_not_found(
    client: MLflowClient, version: ModelVersion, unique: str
) -> None:
    client.set_alias(unique, "champion", version.version)

    client.delete_alias(unique, "champion")

    with pytest.raises(AliasNotFoundError, match="champion"):
        client.model_version_by_alias(unique, "champion")


def test_a_stage_moves_from_one_version_to_the_next(
    client: MLflowClient, version: ModelVersion, unique: str
) -> None:
    second = client.create_model_version(unique, source=version.source, run_id=version.run_id)
    client.transition_stage(unique, 1, ModelStage.PRODUCTION)

    client.transition_stage(unique, second.version, ModelStage.PRODUCTION, archive_others=True)

    assert client.get_model_version(unique, 1).stage == ModelStage.ARCHIVED
    assert client.get_model_version(unique, 2).stage == ModelStage.PRODUCTION


def test_tags_of_models_and_versions_are_overwritten(
    client: MLflowClient, version: ModelVersion, unique: str
) -> None:
    for text in ("first", "größer: 100 %"):
        client.set_model_tag(unique, "team", text)
        client.set_model_version_tag(unique, version.version, "timeframe", text)

    assert client.get_registered_model(unique).tags == {"team": "größer: 100 %"}
    assert client.get_model_version(unique, 1).tags["timeframe"] == "größer: 100 %"


@pytest.mark.usefixtures("version")
def test_a_search_of_versions_has_more_rows_than_one_page(
    client: MLflowClient, server: MLflowServer, unique: str
) -> None:
    server.copy_row("model_versions", "version", range(2, 1_102), name=unique)

    found = [each.version for each in client.search_model_versions(filter=f"name = '{unique}'")]

    assert sorted(found) == list(range(1, 1_102))


def test_a_search_of_models_has_more_rows_than_one_page(
    client: MLflowClient, server: MLflowServer, unique: str
) -> None:
    client.registered_model(unique)
    names = [f"{unique}-{number}" for number in range(1_100)]
    server.copy_row("registered_models", "name", names, name=unique)

    found = {each.name for each in client.search_registered_models(filter=f"name LIKE '{unique}%'")}

    assert found == {unique, *names}


def test_a_deleted_version_is_not_found(
    client: MLflowClient, version: ModelVersion, unique: str
) -> None:
    client.delete_model_version(unique, version.version)

    with pytest.raises(ModelVersionNotFoundError, match=unique):
        client.get_model_version(unique, version.version)
    assert list(client.search_model_versions(filter=f"name = '{unique}'")) == []


def test_a_version_that_does_not_exist_is_named(client: MLflowClient, unique: str) -> None:
    client.registered_model(unique)

    with pytest.raises(ModelVersionNotFoundError, match=unique):
        client.get_model_version(unique, 7)
    with pytest.raises(ModelVersionNotFoundError, match=unique):
        client.set_alias(unique, "champion", 7)


def test_a_model_that_does_not_exist_is_named(client: MLflowClient, unique: str) -> None:
    with pytest.raises(ModelNotFoundError, match=unique):
        client.get_registered_model(unique)
    with pytest.raises(ModelNotFoundError, match=unique):
        client.set_model_tag(unique, "team", "alpha")


def test_an_alias_of_a_model_that_does_not_exist_is_not_found(
    client: MLflowClient, unique: str
) -> None:
    with pytest.raises((AliasNotFoundError, ModelNotFoundError), match=unique):
        client.model_version_by_alias(unique, "champion")


def test_an_unknown_alias_of_a_model_is_told_apart_from_an_unknown_model(
    client: MLflowClient, version: ModelVersion
) -> None:
    with pytest.raises(AliasNotFoundError, match="challenger"):
        client.model_version_by_alias(version.name, "challenger")

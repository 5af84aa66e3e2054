"""Versions of registered models of the client."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from tradai.core import JsonValue
from tradai.mlflow._client.access import ServerAccess
from tradai.mlflow._client.creation import Creation, create_once
from tradai.mlflow._client.entities import each, quoted
from tradai.mlflow._client.model_entities import ModelStage, ModelVersion
from tradai.mlflow._client.models import about_model, about_version
from tradai.mlflow._client.runs import OPERATION_TAG, key_values
from tradai.mlflow._http.deadline import Deadline
from tradai.mlflow._http.errors import AliasNotFoundError, ModelVersionNotFoundError, not_found
from tradai.mlflow._http.request import Subject


class VersionCalls(ServerAccess):
    """Calls about versions of registered models."""

    # Each argument is a field of the version, or named.
    def create_model_version(  # noqa: PLR0913
        self,
        name: str,
        *,
        source: str,
        run_id: str | None = None,
        tags: Mapping[str, str] | None = None,
        description: str = "",
        operation_id: str | None = None,
        deadline_s: float | None = None,
    ) -> ModelVersion:
        """Create a version of a registered model, once, also when answers are lost.

        Args:
            name: Name of the model, which must exist.
            source: Folder of its files, for example the ``artifact_uri`` of a run with a path.
            run_id: Run that made it.
            tags: Tags to begin with; they are written in the same request.
            description: Text for people.
            operation_id: Id of an earlier call to continue: the version that it made is returned,
                also where another process continues it at the same time. By default a new one.
            deadline_s: Seconds for all of it.

        Raises:
            ModelNotFoundError: The model does not exist.
            LimitExceededError: A tag is longer than this version of MLflow keeps.
            MLflowError: The server refused, or gave no usable answer. When ``may_have_run`` is
                true, the version may exist; call again with the same `operation_id`.
        """
        deadline = self._deadline(deadline_s)
        operation = operation_id or uuid.uuid4().hex
        self._check_model_tags(tags or {}, deadline)
        body: dict[str, JsonValue] = {
            "name": name,
            "source": source,
            "tags": key_values({**(tags or {}), OPERATION_TAG: operation}),
            "description": description,
        }
        if run_id is not None:
            body["run_id"] = run_id

        def create() -> ModelVersion:
            answer = self._create("model-versions/create", body, deadline, about_model(name))
            return ModelVersion.within(answer, "model_version")

        creation = Creation(
            create=create,
            find=lambda: self._versions_of_operation(name, operation, deadline),
            discard=lambda surplus: self._delete_version(name, surplus.version, deadline),
            is_ordered=True,
        )
        return create_once(creation, deadline, look_first=operation_id is not None)

    def get_model_version(
        self, name: str, version: int, *, deadline_s: float | None = None
    ) -> ModelVersion:
        """Return a version of a registered model, with its aliases.

        Raises:
            ModelVersionNotFoundError: The version or the model does not exist.
            MLflowError: The server refused, or gave no usable answer.
        """
        answer = self._get(
            "model-versions/get",
            {"name": name, "version": str(version)},
            self._deadline(deadline_s),
            about_version(name, version),
        )
        return ModelVersion.within(answer, "model_version")

    def model_version_by_alias(
        self, name: str, alias: str, *, deadline_s: float | None = None
    ) -> ModelVersion:
        """Return the version that an alias points to, in one call; ``latest`` is the newest one.

        Raises:
            AliasNotFoundError: The model has no such alias; with MLflow 2, also: no such model.
            ModelNotFoundError: The model does not exist.
            MLflowError: The server refused, or gave no usable answer.
        """
        # MLflow reserves the name: it resolves it since 3, and refuses it before.
        if alias.lower() == "latest":
            return self.latest_model_version(name, deadline_s=deadline_s)
        answer = self._get(
            "registered-models/alias",
            {"name": name, "alias": alias},
            self._deadline(deadline_s),
            Subject(f"alias {alias!r} of model {name!r}", AliasNotFoundError, f"{name}@{alias}"),
        )
        return ModelVersion.within(answer, "model_version")

    def latest_model_version(
        self, name: str, *, stage: ModelStage | None = None, deadline_s: float | None = None
    ) -> ModelVersion:
        """Return the version with the highest number, or that of the versions in `stage`.

        Raises:
            ModelNotFoundError: The model does not exist.
            ModelVersionNotFoundError: It has no version, or none in that stage.
            MLflowError: The server refused, or gave no usable answer.
        """
        deadline = self._deadline(deadline_s)
        stages: list[JsonValue] = [] if stage is None else [ModelStage(stage).value]
        body: dict[str, JsonValue] = {"name": name, "stages": stages}
        answer = self._write(
            "registered-models/get-latest-versions", body, deadline, about_model(name)
        )
        found = each(ModelVersion.from_answer, answer.get("model_versions"))
        latest = max(found, key=lambda version: version.version, default=None)
        if latest is None:
            where = f" in the stage {stages[0]}" if stages else ""
            message = f"the model {name!r} has no version{where}; register or promote one"
            raise not_found(ModelVersionNotFoundError, message, "latest_model_version", name)
        return latest

    def search_model_versions(
        self,
        *,
        filter: str | None = None,  # noqa: A002 - the name that MLflow gives it
        order_by: Sequence[str] = (),
        limit: int | None = None,
        deadline_s: float | None = None,
    ) -> Iterator[ModelVersion]:
        """Yield versions of models, page by page, without their aliases.

        Args:
            filter: Condition in MLflow's language, such as ``name = 'momentum'``.
            order_by: Columns, such as ``version_number DESC``.
            limit: Largest number; by default all.
            deadline_s: Seconds for each page.
        """
        condition: dict[str, Any] = {}
        if filter:
            condition["filter"] = filter
        if order_by:
            condition["order_by"] = list(order_by)
        answers = self._pages(
            lambda page, deadline: self._get(
                "model-versions/search", {**condition, **page}, deadline
            ),
            "model_versions",
            limit=limit,
            deadline_s=deadline_s,
        )
        return each(ModelVersion.from_answer, answers)

    def transition_stage(
        self,
        name: str,
        version: int,
        stage: ModelStage,
        *,
        archive_others: bool = False,
        deadline_s: float | None = None,
    ) -> ModelVersion:
        """Move a version to a stage.

        Args:
            name: Name of the model.
            version: Number of the version.
            stage: Where it goes.
            archive_others: Whether the versions in that stage are archived.
            deadline_s: Seconds for all of it.

        Raises:
            ModelVersionNotFoundError: The version does not exist.
            MLflowError: The server refused, or gave no usable answer.
        """
        body: dict[str, JsonValue] = {
            "name": name,
            "version": str(version),
            "stage": ModelStage(stage).value,
            "archive_existing_versions": archive_others,
        }
        answer = self._write(
            "model-versions/transition-stage",
            body,
            self._deadline(deadline_s),
            about_version(name, version),
        )
        return ModelVersion.within(answer, "model_version")

    def set_model_version_tag(
        self, name: str, version: int, key: str, value: str, *, deadline_s: float | None = None
    ) -> None:
        """Write a tag of a version.

        Raises:
            LimitExceededError: The value is longer than this version of MLflow keeps.
            ModelVersionNotFoundError: The version does not exist.
            MLflowError: The server refused, or gave no usable answer.
        """
        deadline = self._deadline(deadline_s)
        self._check_model_tags({key: value}, deadline)
        body = {"name": name, "version": str(version), "key": key, "value": value}
        self._write("model-versions/set-tag", body, deadline, about_version(name, version))

    def delete_model_version(
        self, name: str, version: int, *, deadline_s: float | None = None
    ) -> None:
        """Remove a version for good, and its aliases; one that is not there is ignored.

        Raises:
            ModelNotFoundError: The model does not exist.
            MLflowError: The server refused, or gave no usable answer.
        """
        self._delete_version(name, version, self._deadline(deadline_s))

    def _delete_version(self, name: str, version: int, deadline: Deadline) -> None:
        body = {"name": name, "version": str(version)}
        about = about_version(name, version)
        with suppress(ModelVersionNotFoundError):
            self._write("model-versions/delete", body, deadline, about, method="DELETE")

    def _versions_of_operation(
        self, name: str, operation: str, deadline: Deadline
    ) -> list[ModelVersion]:
        condition = f"name = {quoted(name)} AND tags.`{OPERATION_TAG}` = {quoted(operation)}"
        answer = self._get("model-versions/search", {"filter": condition}, deadline)
        versions = each(ModelVersion.from_answer, answer.get("model_versions"))
        return sorted(versions, key=lambda version: version.version)

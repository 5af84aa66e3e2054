"""Registered models of the client."""

from collections.abc import Iterator
from contextlib import suppress

from tradai.mlflow._client.access import ServerAccess
from tradai.mlflow._client.creation import get_or_create
from tradai.mlflow._client.entities import each
from tradai.mlflow._client.model_entities import RegisteredModel
from tradai.mlflow._http.deadline import Deadline
from tradai.mlflow._http.errors import (
    AliasNotFoundError,
    ModelNotFoundError,
    ModelVersionNotFoundError,
)
from tradai.mlflow._http.request import Subject


class ModelCalls(ServerAccess):
    """Calls about registered models."""

    def registered_model(self, name: str, *, deadline_s: float | None = None) -> RegisteredModel:
        """Return the registered model of this name, and create it where there is none.

        Any number of threads and processes may ask at once: there will be one model.

        Raises:
            InvalidRequestError: MLflow accepts no such name.
            MLflowError: The server refused, or gave no usable answer.
        """
        deadline = self._deadline(deadline_s)
        return get_or_create(
            lambda: self._registered_model(name, deadline),
            lambda: self._create(
                "registered-models/create", {"name": name}, deadline, about_model(name)
            ),
            deadline,
        )

    def get_registered_model(
        self, name: str, *, deadline_s: float | None = None
    ) -> RegisteredModel:
        """Return the registered model of this name, with its aliases.

        Raises:
            ModelNotFoundError: There is none.
            MLflowError: The server refused, or gave no usable answer.
        """
        return self._registered_model(name, self._deadline(deadline_s))

    def search_registered_models(
        self,
        *,
        filter: str | None = None,  # noqa: A002 - the name that MLflow gives it
        limit: int | None = None,
        deadline_s: float | None = None,
    ) -> Iterator[RegisteredModel]:
        """Yield the registered models by name, page by page, without their aliases.

        Args:
            filter: Condition in MLflow's language, such as ``name LIKE 'momentum%'``.
            limit: Largest number; by default all.
            deadline_s: Seconds for each page.
        """
        condition = {"filter": filter} if filter else {}
        answers = self._pages(
            lambda page, deadline: self._get(
                "registered-models/search", {**condition, **page}, deadline
            ),
            "registered_models",
            limit=limit,
            deadline_s=deadline_s,
        )
        return each(RegisteredModel.from_answer, answers)

    def set_model_tag(
        self, name: str, key: str, value: str, *, deadline_s: float | None = None
    ) -> None:
        """Write a tag of a registered model.

        Raises:
            LimitExceededError: The value is longer than this version of MLflow keeps.
            ModelNotFoundError: The model does not exist.
            MLflowError: The server refused, or gave no usable answer.
        """
        deadline = self._deadline(deadline_s)
        self._check_model_tags({key: value}, deadline)
        body = {"name": name, "key": key, "value": value}
        self._write("registered-models/set-tag", body, deadline, about_model(name))

    def set_alias(
        self, name: str, alias: str, version: int, *, deadline_s: float | None = None
    ) -> None:
        """Point an alias to a version, also when it points to another one.

        Raises:
            InvalidRequestError: MLflow accepts no such alias; it reserves ``latest`` and ``v1``.
            ModelNotFoundError: The model does not exist.
            ModelVersionNotFoundError: The version does not exist.
            MLflowError: The server refused, or gave no usable answer.
        """
        body = {"name": name, "alias": alias, "version": str(version)}
        self._write(
            "registered-models/alias",
            body,
            self._deadline(deadline_s),
            about_version(name, version),
        )

    def delete_alias(self, name: str, alias: str, *, deadline_s: float | None = None) -> None:
        """Remove an alias; one that does not exist is ignored.

        Raises:
            ModelNotFoundError: The model does not exist.
            MLflowError: The server refused, or gave no usable answer.
        """
        body = {"name": name, "alias": alias}
        deadline = self._deadline(deadline_s)
        with suppress(AliasNotFoundError):
            self._write(
                "registered-models/alias", body, deadline, about_model(name), method="DELETE"
            )

    def _registered_model(self, name: str, deadline: Deadline) -> RegisteredModel:
        answer = self._get("registered-models/get", {"name": name}, deadline, about_model(name))
        return RegisteredModel.within(answer, "registered_model")


def about_model(name: str) -> Subject:
    """Return the facts about a model that errors name."""
    return Subject(f"model {name!r}", ModelNotFoundError, name)


def about_version(name: str, version: int | str) -> Subject:
    """Return the facts about a model version that errors name."""
    text = f"version {version} of model {name!r}"
    return Subject(text, ModelVersionNotFoundError, f"{name}/{version}")

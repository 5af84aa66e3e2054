"""Registered models and their versions, as the server describes them."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Self, final

from tradai.core import FrozenMapping, Utc
from tradai.mlflow._client.entities import NamedEntity, Texts, instant, pairs


@final
class ModelStage(StrEnum):
    """Stage of a model version, under MLflow's names; MLflow prefers aliases."""

    NONE = "None"
    STAGING = "Staging"
    PRODUCTION = "Production"
    ARCHIVED = "Archived"


@final
class ModelVersion(NamedEntity):
    """One version of a registered model.

    Attributes:
        name: Name of the model.
        version: Number of the version, from 1.
        source: Folder of its files.
        run_id: Run that made it; None without one.
        stage: Its stage.
        aliases: Aliases that point to it. A search does not fill them: MLflow leaves them out.
        tags: Tags by their key.
        description: Text for people.
        created_at: When it was created.
        updated_at: When it was changed last.
    """

    name: str
    version: int
    source: str = ""
    run_id: str | None = None
    stage: ModelStage = ModelStage.NONE
    aliases: tuple[str, ...] = ()
    tags: Texts = FrozenMapping()
    description: str = ""
    created_at: Utc | None = None
    updated_at: Utc | None = None

    @classmethod
    def from_answer(cls, answer: Mapping[str, Any]) -> Self:
        """Read the server's JSON."""
        return cls(
            name=answer["name"],
            version=int(answer["version"]),
            source=answer.get("source", ""),
            run_id=answer.get("run_id") or None,
            stage=answer.get("current_stage") or ModelStage.NONE,
            aliases=tuple(answer.get("aliases", ())),
            tags=pairs(answer.get("tags", ())),
            description=answer.get("description", ""),
            created_at=instant(answer.get("creation_timestamp")),
            updated_at=instant(answer.get("last_updated_timestamp")),
        )


@final
class RegisteredModel(NamedEntity):
    """A named model with versions.

    Attributes:
        name: Name, unique on the server.
        description: Text for people.
        tags: Tags by their key.
        aliases: Version number of each alias. A search does not fill them: MLflow leaves them out.
        created_at: When it was created.
        updated_at: When it was changed last.
    """

    name: str
    description: str = ""
    tags: Texts = FrozenMapping()
    aliases: Mapping[str, int] = FrozenMapping()
    created_at: Utc | None = None
    updated_at: Utc | None = None

    @classmethod
    def from_answer(cls, answer: Mapping[str, Any]) -> Self:
        """Read the server's JSON."""
        aliases = {item["alias"]: int(item["version"]) for item in answer.get("aliases", ())}
        return cls(
            name=answer["name"],
            description=answer.get("description", ""),
            tags=pairs(answer.get("tags", ())),
            aliases=FrozenMapping(aliases),
            created_at=instant(answer.get("creation_timestamp")),
            updated_at=instant(answer.get("last_updated_timestamp")),
        )

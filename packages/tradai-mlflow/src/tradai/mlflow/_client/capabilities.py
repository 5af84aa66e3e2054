"""Facts about a server that follow from its version: what it offers, and what it keeps."""

import re
from typing import Final, Self, final

from tradai.mlflow._client.entities import Entity
from tradai.mlflow._client.limits import PARAM_LENGTH, TAG_LENGTH

SHORTEST_TAG_LIMIT: Final = 5_000

_VERSION: Final = re.compile(r"(\d+)\.(\d+)(?:\.\S*)?")
_LONG_TAGS_SINCE: Final = (3, 0)
_LOGGED_MODELS_SINCE: Final = (3, 0)
_HOST_CHECK_SINCE: Final = (3, 5)


@final
class ServerCapabilities(Entity):
    """Limits and features of a server.

    Attributes:
        version: Version of MLflow, as the server gives it.
        model_tag_length: Longest value of a tag of a model or a version, in characters.
        has_logged_models: Whether it has MLflow's entity of that name.
        checks_hosts: Whether it may refuse a host name that it was not started with.
    """

    version: str
    model_tag_length: int
    has_logged_models: bool
    checks_hosts: bool

    @classmethod
    def of_version(cls, version: str) -> Self | None:
        """Return those of a version of MLflow; None for a text that is not a version."""
        match = _VERSION.fullmatch(version)
        if match is None:
            return None
        number = (int(match[1]), int(match[2]))
        return cls(
            version=version,
            model_tag_length=100_000 if number >= _LONG_TAGS_SINCE else SHORTEST_TAG_LIMIT,
            has_logged_models=number >= _LOGGED_MODELS_SINCE,
            checks_hosts=number >= _HOST_CHECK_SINCE,
        )

    def summary(self) -> str:
        """Return the version with its limits in one line, for people.

        >>> print(ServerCapabilities.of_version("2.18.0").summary())
        MLflow 2.18.0, keeps 6,000 characters of a parameter, 8,000 of a tag, 5,000 of a model's tag
        """
        return (
            f"MLflow {self.version}, keeps {PARAM_LENGTH:,} characters of a parameter, "
            f"{TAG_LENGTH:,} of a tag, {self.model_tag_length:,} of a model's tag"
        )

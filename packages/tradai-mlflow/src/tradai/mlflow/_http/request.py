"""A call of the MLflow server, before it is sent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, BinaryIO, Final, TypeAlias, final

from tradai.core import JsonValue
from tradai.mlflow._http.errors import MLflowNotFoundError

API: Final = "/api/2.0/mlflow/"
ARTIFACTS_API: Final = "/api/2.0/mlflow-artifacts/artifacts"

# An answer of the server: a JSON object, not checked yet.
Answer: TypeAlias = dict[str, Any]


class Repeat(Enum):
    """When a request may be sent again.

    Attributes:
        FREELY: It reads, or the last write wins: sending it twice changes nothing.
        UNSENT: It creates something, or its caller looks first: only while no byte of it has left.
    """

    FREELY = "freely"
    UNSENT = "unsent"


@final
@dataclass(frozen=True, slots=True)
class Subject:
    """The thing that a call is about.

    Attributes:
        text: Its description in messages, such as ``run 'abc'``; empty for none.
        missing: Error for a thing that does not exist.
        key: Name or id of that thing.
    """

    text: str = ""
    missing: type[MLflowNotFoundError] = MLflowNotFoundError
    key: str = ""


NOTHING: Final = Subject()


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One call of the server.

    Attributes:
        method: HTTP method.
        path: Path after the address of the server.
        operation: Name of the call, for messages.
        subject: The thing it is about.
        query: Parameters of the URL; one with several values is repeated.
        body: JSON body.
        file: Body that is read from a file, from its start.
        repeat: When it may be sent again.
    """

    method: str
    path: str
    operation: str
    subject: Subject = NOTHING
    query: Mapping[str, str | Sequence[str]] = field(default_factory=dict)
    body: Mapping[str, JsonValue] | None = None
    file: BinaryIO | None = None
    repeat: Repeat = Repeat.FREELY

    @property
    def may_run_twice(self) -> bool:
        """Whether the server may carry it out twice, as anything that only reads."""
        return self.repeat is Repeat.FREELY or self.method == "GET"

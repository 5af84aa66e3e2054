"""Calls of the server that the parts of the client are made of."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

from tradai.core import JsonValue, ObjectStore
from tradai.mlflow._client.capabilities import SHORTEST_TAG_LIMIT, ServerCapabilities
from tradai.mlflow._client.entities import odd_answer
from tradai.mlflow._client.limits import check_length
from tradai.mlflow._http.circuit_breaker import breaker_of
from tradai.mlflow._http.deadline import Deadline, SystemTimer, Timer
from tradai.mlflow._http.errors import NotAnMLflowServerError
from tradai.mlflow._http.request import (
    API,
    NOTHING,
    Answer,
    Repeat,
    Request,
    Subject,
)
from tradai.mlflow._http.session import Connections
from tradai.mlflow._http.transport import Transport
from tradai.mlflow._settings import MLflowSettings

Body: TypeAlias = Mapping[str, JsonValue]
Query: TypeAlias = Mapping[str, str | Sequence[str]]

# Pages are this long unless fewer are wanted: the most that every server accepts.
_PAGE: Final = 1_000


class ServerAccess:
    """Calls of one server, each within a deadline."""

    def __init__(
        self,
        settings: MLflowSettings | None = None,
        *,
        uri: str | None = None,
        deadline_s: float | None = None,
        store: ObjectStore | None = None,
        timer: Timer | None = None,
    ) -> None:
        """Prepare; nothing is sent yet.

        Args:
            settings: Address, login and time limits; by default from the environment.
            uri: Address of the server, instead of that of `settings`.
            deadline_s: Seconds for each operation, instead of those of `settings`.
            store: Store of artifacts that the server does not hand out itself; by default the one
                that serves their URI.
            timer: Source of time and of waiting, for tests.

        Raises:
            ConfigurationError: No server is configured, or a setting is not valid.
        """
        settings = MLflowSettings() if settings is None else settings
        if uri is not None:
            settings = _with_uri(settings, uri)
        self._settings = settings
        self._deadline_s = settings.deadline_s if deadline_s is None else deadline_s
        self._store = store
        self._timer = timer or SystemTimer()
        self._connections = Connections(settings)
        breaker = breaker_of(self._connections.uri, self._timer)
        self._transport = Transport(self._connections, breaker)
        self._capabilities: ServerCapabilities | None = None

    @property
    def uri(self) -> str:
        """Address of the server."""
        return self._connections.uri

    def _deadline(self, deadline_s: float | None) -> Deadline:
        return Deadline(self._deadline_s if deadline_s is None else deadline_s, self._timer)

    def _get(
        self, endpoint: str, query: Query, deadline: Deadline, about: Subject = NOTHING
    ) -> Answer:
        """Read."""
        path = API + endpoint
        request = Request(method="GET", path=path, operation=endpoint, subject=about, query=query)
        return self._transport.call(request, deadline)

    def _write(
        self,
        endpoint: str,
        body: Body,
        deadline: Deadline,
        about: Subject = NOTHING,
        *,
        method: str = "POST",
    ) -> Answer:
        """Write what may be written twice."""
        path = API + endpoint
        request = Request(method=method, path=path, operation=endpoint, subject=about, body=body)
        return self._transport.call(request, deadline)

    def _create(self, endpoint: str, body: Body, deadline: Deadline, about: Subject) -> Answer:
        """Create what must not be created twice."""
        request = Request(
            method="POST",
            path=API + endpoint,
            operation=endpoint,
            subject=about,
            body=body,
            repeat=Repeat.UNSENT,
        )
        return self._transport.call(request, deadline)

    def server(self, *, deadline_s: float | None = None) -> ServerCapabilities:
        """Return the version of the server, and what follows from it; asked once.

        Raises:
            NotAnMLflowServerError: Something else answers at the address.
            MLflowError: The server refused, or gave no usable answer.
        """
        return self._server(self._deadline(deadline_s))

    def _server(self, deadline: Deadline) -> ServerCapabilities:
        if self._capabilities is None:
            request = Request(method="GET", path="/version", operation="version")
            text = self._transport.text(request, deadline).strip()
            self._capabilities = ServerCapabilities.of_version(text)
        if self._capabilities is None:
            message = (
                f"{self.uri} answers, but not as MLflow does: its /version is not a version; check "
                "MLFLOW_TRACKING_URI, and its path when the server has a prefix"
            )
            raise NotAnMLflowServerError(message, operation="version")
        return self._capabilities

    def _check_model_tags(self, tags: Mapping[str, str], deadline: Deadline) -> None:
        """Refuse a tag that the server would cut or refuse; short ones need no question."""
        longest = max((len(value) for value in tags.values()), default=0)
        if longest <= SHORTEST_TAG_LIMIT:
            return
        limit = self._server(deadline).model_tag_length
        for key, value in tags.items():
            check_length("tag", key, value, limit)

    def _pages(
        self,
        ask: Callable[[dict[str, Any], Deadline], Answer],
        items: str,
        *,
        limit: int | None,
        deadline_s: float | None,
    ) -> Iterator[Answer]:
        """Yield the items of all pages, at most `limit`; the deadline is that of each page."""
        left = limit
        token = ""
        while left is None or left > 0:
            wanted: dict[str, Any] = {"max_results": _PAGE if left is None else min(left, _PAGE)}
            if token:
                wanted["page_token"] = token
            answer = ask(wanted, self._deadline(deadline_s))
            page = answer.get(items, [])
            if not isinstance(page, list):
                raise odd_answer("list of entries")
            yield from page if left is None else page[:left]
            left = None if left is None else left - len(page)
            token = answer.get("next_page_token") or ""
            if not token:
                return


def _with_uri(settings: MLflowSettings, uri: str) -> MLflowSettings:
    fields = {name: getattr(settings, name) for name in type(settings).model_fields}
    return MLflowSettings(**{**fields, "uri": uri})

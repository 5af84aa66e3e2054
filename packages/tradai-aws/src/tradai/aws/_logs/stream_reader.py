"""Read one log stream of CloudWatch page by page with its forward token."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeAlias, final

from tradai.aws._client.errors import AwsError, translated
from tradai.core.exceptions import NotFoundError

# Parameters of boto3 have the types that AWS defines.
Parameter: TypeAlias = Any
# Time stamp, time of arrival and text: GetLogEvents gives no id.
Identity: TypeAlias = tuple[int, int, str]

_SERVICE: Final = "logs"
_REFUSED: Final = "InvalidParameterException"


class LogsClient(Protocol):
    """Methods of boto3's client that are called; `tradai.aws.testing.FakeLogs` has them too."""

    def get_log_events(self, *_: Parameter, **parameters: Parameter) -> Mapping[str, Any]:
        """Return a page of a log stream."""
        ...

    def describe_log_groups(self, *_: Parameter, **parameters: Parameter) -> Mapping[str, Any]:
        """Return log groups by the start of their names."""
        ...


@final
@dataclass(frozen=True, slots=True)
class LogEvent:
    """An event of the stream; instants are milliseconds since 1970."""

    timestamp: int
    ingestion: int
    message: str

    @property
    def identity(self) -> Identity:
        """All that distinguishes the event; equal events are distinguished by their count."""
        return (self.timestamp, self.ingestion, self.message)


@final
@dataclass(frozen=True, slots=True)
class Page:
    """Events of one answer, and whether the stream had no more at that instant."""

    events: list[LogEvent]
    is_end: bool


@final
class Place:
    """The last instant of the events that were taken, and those of that very instant.

    From here a stream can be read again by time, each event once: a token expires after a day.
    """

    def __init__(self, at_ms: int = 0, taken: Mapping[Identity, int] | None = None) -> None:
        """Start before the first event, or at an instant of which `taken` is known already."""
        self.at_ms = at_ms
        self.taken = Counter(taken or {})

    def take(self, event: LogEvent) -> None:
        """Move on to `event`."""
        if event.timestamp > self.at_ms:
            self.at_ms, self.taken = event.timestamp, Counter()
        if event.timestamp == self.at_ms:
            self.taken[event.identity] += 1


@final
class StreamReader:
    """Reads a stream from its oldest event on; every call of `read` is one request to AWS."""

    def __init__(self, client: LogsClient, *, group: str, stream: str) -> None:
        """Start before the first event."""
        self._client = client
        self._name = {"logGroupName": group, "logStreamName": stream}
        self._group_was_found = False
        self._token: str | None = None
        self._from_ms = 0
        self._place = Place()
        # Events that a reading by time brings again.
        self._known: Counter[Identity] = Counter()

    def restart(self, place: Place | None = None) -> None:
        """Read from the instant of `place` on, by default from the last event that was read."""
        place = place or self._place
        self._token, self._from_ms = None, place.at_ms
        self._place = Place(place.at_ms, place.taken)
        self._known = Counter(place.taken)

    def read(self) -> Page:
        """Return the next page; it is empty at the end, and while the stream does not exist yet.

        Raises:
            NotFoundError: The log group does not exist.
            AwsError: AWS refused the request, or could not be reached.
        """
        try:
            return self._page(self._request())
        except NotFoundError:
            self._require_group()
            return Page([], is_end=True)
        except AwsError as exc:
            if exc.reason != _REFUSED or self._token is None:
                raise
            # The token has expired.
            self.restart()
            return Page([], is_end=False)

    def _request(self) -> Mapping[str, Any]:
        # With a token too: the token of an empty page need not know where the first request began.
        place = {"startTime": self._from_ms} if self._from_ms else {}
        token = {} if self._token is None else {"nextToken": self._token}
        with translated(_SERVICE, "get_log_events", self._name["logStreamName"]):
            return self._client.get_log_events(**self._name, **place, **token, startFromHead=True)

    def _page(self, response: Mapping[str, Any]) -> Page:
        token = response["nextForwardToken"]
        is_end, self._token = token == self._token, token
        events = [
            LogEvent(event["timestamp"], event["ingestionTime"], event["message"])
            for event in response["events"]
        ]
        return Page([event for event in events if self._is_new(event)], is_end)

    def _is_new(self, event: LogEvent) -> bool:
        if self._known.get(event.identity):
            self._known[event.identity] -= 1
            return False
        self._place.take(event)
        return True

    def _require_group(self) -> None:
        """Tell a stream that is not there yet from a group that does not exist, once."""
        if self._group_was_found:
            return
        group = self._name["logGroupName"]
        try:
            with translated(_SERVICE, "describe_log_groups", group):
                answer = self._client.describe_log_groups(logGroupNamePrefix=group)
        except AwsError as exc:
            if exc.retryable:
                raise
            # Without the right to look, the group is believed to exist.
            answer = {"logGroups": [self._name]}
        # Sorted by name, so that the group itself comes first.
        if not any(found["logGroupName"] == group for found in answer["logGroups"]):
            message = f"the log group {group} does not exist; create it, or check name and region"
            raise NotFoundError(message, kind="log group", key=group)
        self._group_was_found = True

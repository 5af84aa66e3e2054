"""A fake of Amazon CloudWatch Logs: late, partial and empty pages, throttling, expired tokens."""

import itertools
import math
import random
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeAlias, final

from tradai.aws.testing._log_stream import (
    EVENT_BYTES,
    MOST_BYTES,
    Cursor,
    LogEvent,
    LogStream,
    in_range,
    parse_token,
)
from tradai.aws.testing._request_checks import check_request, client_error
from tradai.aws.testing._virtual_clock import VirtualClock

Response: TypeAlias = dict[str, Any]
# Parameters of boto3 have the types that AWS defines.
Parameter: TypeAlias = Any

_MOST_EVENTS: Final = 10_000
_TOKEN_LIFE_MS: Final = 24 * 3600 * 1000
_LONGEST_SPAN_MS: Final = 24 * 3600 * 1000
_OLDEST_MS: Final = 14 * 24 * 3600 * 1000
_NEWEST_MS: Final = 2 * 3600 * 1000
_STATISTICS_MS: Final = 3600 * 1000
_DESCRIBED: Final = 50
# Docker's driver: https://github.com/moby/moby/tree/master/daemon/logger/awslogs
_FLUSH_S: Final = 5.0
_ARN: Final = "arn:aws:logs:eu-central-1:123456789012:log-group:"


@final
class FakeLogs:
    """Fake of boto3's client for CloudWatch Logs; it raises boto3's errors.

    An event that is written now becomes visible later, as a container's driver and CloudWatch take
    their time, and a page may be empty although more follows. Each trap has its AWS page beside the
    code that lays it. Requests are checked against botocore's description of the service.

    >>> logs = FakeLogs()
    >>> logs.create_log_group(logGroupName="jobs")
    >>> logs.drive("jobs", "task/1", [(0.5, "one"), (0.7, "two")])
    >>> logs.clock.sleep(6)
    >>> page = logs.get_log_events(logGroupName="jobs", logStreamName="task/1", startFromHead=True)
    >>> [event["message"] for event in page["events"]]
    ['one', 'two']

    Attributes:
        clock: Clock to pass to the tested code.
        latency_s: Seconds that each call takes on `clock`.
        calls: Operation and parameters of each call, in order; texts of events are left out.
        page_events: Most events of a page; smaller than AWS's 10,000, small tests have pages too.
        empty_pages: Share of pages that are empty although more follows.
        throttled: Share of calls that are refused as too many.
        quota_per_s: GetLogEvents calls that the account may make in a second; more are refused.
        refusals: Operation, such as ``get_log_events`` -> AWS's error code for it.
        on_call: Called before each call; what writes to the log by the clock comes up to date.
    """

    def __init__(self, *, clock: VirtualClock | None = None, seed: int = 0) -> None:
        """Hold no log group; equal seeds give equal choices."""
        self.clock = clock or VirtualClock()
        self.latency_s = 0.0
        self.calls: list[tuple[str, Response]] = []
        self.page_events = _MOST_EVENTS
        self.empty_pages = 0.0
        self.throttled = 0.0
        # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html
        self.quota_per_s = 25
        self.refusals: dict[str, str] = {}
        self.on_call: Callable[[], None] = lambda: None
        self._random = random.Random(seed)  # noqa: S311 - repeatable choices of a test
        self._groups: dict[str, dict[str, LogStream]] = {}
        self._recent: deque[float] = deque()
        self._nonce = itertools.count(1)
        self._lock = threading.RLock()

    def write(
        self, group: str, stream: str, message: str, *, at_s: float, visible_s: float
    ) -> None:
        """Write an event at `at_s` that can be read from `visible_s` on, both on `clock`.

        The stream appears with its first event, as awslogs creates it:
        https://docs.docker.com/engine/logging/drivers/awslogs/
        """
        with self._lock:
            events = self._groups[group].setdefault(stream, LogStream())
            events.add(message, timestamp=self._ms(at_s), visible=self._ms(visible_s))

    def drive(
        self,
        group: str,
        stream: str,
        lines: Iterable[tuple[float, str]],
        *,
        last_batch_s: float | None = None,
    ) -> None:
        """Write lines as the awslogs driver does: in a batch every 5 seconds.

        Args:
            group: An existing group.
            stream: Name of the stream.
            lines: Instant on `clock` and text of each line, in order.
            last_batch_s: Instant of the last batch, which a driver sends when the container has
                ended; by default that of its turn.
        """
        for at_s, visible_s, message in self._batches(list(lines), last_batch_s):
            self.write(group, stream, message, at_s=at_s, visible_s=visible_s)

    # Methods of boto3's client.

    def create_log_group(self, **parameters: Parameter) -> None:
        """Create a log group."""
        with self._call("CreateLogGroup", parameters):
            if parameters["logGroupName"] in self._groups:
                raise _error("CreateLogGroup", "ResourceAlreadyExistsException")
            self._groups[parameters["logGroupName"]] = {}

    def create_log_stream(self, **parameters: Parameter) -> None:
        """Create a log stream."""
        with self._call("CreateLogStream", parameters):
            streams = self._streams("CreateLogStream", parameters)
            if parameters["logStreamName"] in streams:
                raise _error("CreateLogStream", "ResourceAlreadyExistsException")
            streams[parameters["logStreamName"]] = LogStream(is_created=True)

    def put_log_events(self, **parameters: Parameter) -> Response:
        """Add a batch; it is visible at once."""
        with self._call("PutLogEvents", parameters):
            stream = self._stream("PutLogEvents", parameters)
            events = parameters["logEvents"]
            _check_batch(events)
            now = self._ms()
            # https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
            old = sum(event["timestamp"] < now - _OLDEST_MS for event in events)
            new = sum(event["timestamp"] > now + _NEWEST_MS for event in events)
            for event in events[old : len(events) - new]:
                stream.add(event["message"], timestamp=event["timestamp"], visible=now)
            return {"rejectedLogEventsInfo": _rejected(len(events), old, new)} if old + new else {}

    def get_log_events(self, **parameters: Parameter) -> Response:
        """Return a page of a stream.

        https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html
        """
        with self._call("GetLogEvents", parameters):
            self._count_for_quota()
            events = self._stream("GetLogEvents", parameters).visible(self._ms())
            token = parameters.get("nextToken")
            cursor = self._cursor(token, parameters) if token else Cursor.at_edge(parameters)
            longest = min(self.page_events, parameters.get("limit", _MOST_EVENTS))
            page = cursor.page(in_range(events, parameters), longest=longest)
            # "Partially full or empty pages don't necessarily mean that pagination is finished."
            is_empty = bool(page) and self._random.random() < self.empty_pages
            return self._page([] if is_empty else page, cursor, token if not page else None)

    def describe_log_streams(self, **parameters: Parameter) -> Response:
        """Return the streams of a group.

        https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeLogStreams.html
        """
        with self._call("DescribeLogStreams", parameters):
            now, prefix = self._ms(), parameters.get("logStreamNamePrefix", "")
            streams = self._streams("DescribeLogStreams", parameters)
            found = [
                _described(name, streams[name].visible(now - _STATISTICS_MS))
                for name in sorted(streams)
                if name.startswith(prefix) and streams[name].exists(now)
            ]
            if parameters.get("orderBy") == "LastEventTime":
                found.sort(key=lambda stream: int(stream.get("lastEventTimestamp", 0)))
            if parameters.get("descending"):
                found.reverse()
            return _part("logStreams", found, parameters)

    def describe_log_groups(self, **parameters: Parameter) -> Response:
        """Return the groups, sorted by name."""
        with self._call("DescribeLogGroups", parameters):
            prefix = parameters.get("logGroupNamePrefix", "")
            found = [
                {"logGroupName": name, "arn": f"{_ARN}{name}:*"}
                for name in sorted(self._groups)
                if name.startswith(prefix)
            ]
            return _part("logGroups", found, parameters)

    @contextmanager
    def _call(self, operation: str, parameters: Response) -> Iterator[None]:
        check_request("logs", operation, parameters)
        self.on_call()
        with self._lock:
            method = "".join(f"_{c.lower()}" if c.isupper() else c for c in operation).strip("_")
            recorded = {name: parameters[name] for name in parameters if name != "logEvents"}
            self.calls.append((method, recorded))
            self.clock.sleep(self.latency_s)
            if method in self.refusals:
                raise _error(operation, self.refusals[method])
            if self.throttled and self._random.random() < self.throttled:
                raise _error(operation, "ThrottlingException")
            yield

    def _count_for_quota(self) -> None:
        now = self.clock()
        while self._recent and self._recent[0] <= now - 1:
            self._recent.popleft()
        if len(self._recent) >= self.quota_per_s:
            raise _error("GetLogEvents", "ThrottlingException")
        self._recent.append(now)

    def _cursor(self, token: str, parameters: Response) -> Cursor:
        parsed = parse_token(token)
        # "The token expires after 24 hours", also one that was returned again and again.
        is_known = parsed is not None and parsed[1] + _TOKEN_LIFE_MS > self._ms()
        # With a forward token, "you must specify true for startFromHead".
        is_fit = parsed and parsed[0].is_forward == parameters.get("startFromHead", False)
        if parsed is None or not is_known or not is_fit:
            raise _error("GetLogEvents", "InvalidParameterException")
        return parsed[0]

    def _page(self, page: list[LogEvent], cursor: Cursor, end: str | None) -> Response:
        """Return a page with its tokens; at the end of the stream, `end` is returned again."""
        after = page[-1].key if page else cursor.key
        before = page[0].key if page else cursor.key
        forward = Cursor(is_forward=True, key=after), end if cursor.is_forward else None
        backward = Cursor(is_forward=False, key=before), None if cursor.is_forward else end
        tokens = [
            same or place.token(issued=self._ms(), nonce=next(self._nonce))
            for place, same in (forward, backward)
        ]
        return {
            "events": [event.to_response() for event in page],
            "nextForwardToken": tokens[0],
            "nextBackwardToken": tokens[1],
        }

    def _batches(
        self, lines: list[tuple[float, str]], last_batch_s: float | None
    ) -> Iterator[tuple[float, float, str]]:
        """Yield each line with the instant at which its batch can be read."""
        delays: dict[int, float] = {}
        last = math.ceil(lines[-1][0] / _FLUSH_S) if lines else 0
        for at_s, text in lines:
            turn = math.ceil(at_s / _FLUSH_S)
            visible_s = turn * _FLUSH_S + delays.setdefault(turn, self._random.uniform(0, 0.3))
            is_last = last_batch_s is not None and turn == last
            yield at_s, last_batch_s if is_last and last_batch_s else visible_s, text

    def _streams(self, operation: str, parameters: Response) -> dict[str, LogStream]:
        group = parameters.get("logGroupName")
        if group not in self._groups:
            raise _error(operation, "ResourceNotFoundException")
        return self._groups[group]

    def _stream(self, operation: str, parameters: Response) -> LogStream:
        stream = self._streams(operation, parameters).get(parameters["logStreamName"])
        if stream is None or not stream.exists(self._ms()):
            raise _error(operation, "ResourceNotFoundException")
        return stream

    def _ms(self, at_s: float | None = None) -> int:
        since = 0 if at_s is None else at_s - self.clock()
        return round((self.clock.now().timestamp() + since) * 1000)


def _check_batch(events: Sequence[Response]) -> None:
    times = [event["timestamp"] for event in events]
    size = sum(len(event["message"].encode()) + EVENT_BYTES for event in events)
    is_long = size > MOST_BYTES or len(events) > _MOST_EVENTS
    if is_long or times != sorted(times) or times[-1] - times[0] > _LONGEST_SPAN_MS:
        raise _error("PutLogEvents", "InvalidParameterException")


def _rejected(count: int, old: int, new: int) -> Response:
    found = {"tooOldLogEventEndIndex": old, "tooNewLogEventStartIndex": count - new}
    return {name: found[name] for name, many in zip(found, (old, new), strict=True) if many}


def _described(name: str, settled: list[LogEvent]) -> Response:
    # "It typically updates in less than an hour from ingestion": no proof that nothing is new.
    newest = {"lastEventTimestamp": settled[-1].timestamp} if settled else {}
    return {"logStreamName": name, **newest}


def _part(key: str, found: list[Response], parameters: Response) -> Response:
    first = int(parameters.get("nextToken", "0"))
    after = first + int(parameters.get("limit", _DESCRIBED))
    more = {"nextToken": str(after)} if after < len(found) else {}
    return {key: found[first:after], **more}


def _error(operation: str, reason: str) -> Exception:
    return client_error(operation, reason, "scripted")

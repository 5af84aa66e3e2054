"""The fake of CloudWatch Logs has the traps of the real one."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError, ParamValidationError

from tradai.aws.testing import FakeLogs

NAME = {"logGroupName": "jobs", "logStreamName": "task/1"}
HEAD = {**NAME, "startFromHead": True}
DAY_S = 24 * 3600


@pytest.fixture
def aws() -> FakeLogs:
    fake = FakeLogs()
    fake.create_log_group(logGroupName="jobs")
    return fake


def put(aws: FakeLogs, *messages: str, at_s: float = 0.0) -> dict[str, Any]:
    now_ms = round((aws.clock.now().timestamp() + at_s) * 1000)
    events = [{"timestamp": now_ms, "message": message} for message in messages]
    return aws.put_log_events(**NAME, logEvents=events)


def texts(page: dict[str, Any]) -> list[str]:
    return [event["message"] for event in page["events"]]


def code(call: Callable[[], object]) -> str:
    with pytest.raises(ClientError) as caught:
        call()
    reason: str = caught.value.response["Error"]["Code"]
    return reason


def test_without_start_from_head_the_newest_page_comes_first(aws: FakeLogs) -> None:
    aws.create_log_stream(**NAME)
    put(aws, *"abcde")
    aws.page_events = 2

    newest = aws.get_log_events(**NAME)
    before = aws.get_log_events(**NAME, nextToken=newest["nextBackwardToken"])

    assert (texts(newest), texts(before)) == (["d", "e"], ["b", "c"])


def test_the_end_is_the_token_that_was_passed(aws: FakeLogs) -> None:
    aws.create_log_stream(**NAME)
    put(aws, "a")
    first = aws.get_log_events(**HEAD)["nextForwardToken"]

    ends = [aws.get_log_events(**HEAD, nextToken=first) for _ in range(2)]
    put(aws, "b")
    after = aws.get_log_events(**HEAD, nextToken=first)

    assert [end["nextForwardToken"] for end in ends] == [first, first]
    assert texts(after) == ["b"]


def test_a_page_may_be_empty_although_more_follows(aws: FakeLogs) -> None:
    aws.create_log_stream(**NAME)
    put(aws, "a")
    aws.empty_pages = 1.0

    page = aws.get_log_events(**HEAD)
    aws.empty_pages = 0.0
    after = aws.get_log_events(**HEAD, nextToken=page["nextForwardToken"])

    assert (texts(page), texts(after)) == ([], ["a"])


def test_a_page_has_one_megabyte_at_most(aws: FakeLogs) -> None:
    aws.create_log_stream(**NAME)
    for _ in range(3):
        put(aws, "x" * 500_000)

    assert len(aws.get_log_events(**HEAD)["events"]) == 2


def test_a_token_expires_after_a_day_also_at_the_end(aws: FakeLogs) -> None:
    aws.create_log_stream(**NAME)
    token = aws.get_log_events(**HEAD)["nextForwardToken"]
    aws.clock.sleep(DAY_S - 1)
    assert aws.get_log_events(**HEAD, nextToken=token)["nextForwardToken"] == token

    aws.clock.sleep(1)

    assert code(lambda: aws.get_log_events(**HEAD, nextToken=token)) == "InvalidParameterException"


def test_a_forward_token_needs_start_from_head(aws: FakeLogs) -> None:
    aws.create_log_stream(**NAME)
    token = aws.get_log_events(**HEAD)["nextForwardToken"]

    assert code(lambda: aws.get_log_events(**NAME, nextToken=token)) == "InvalidParameterException"


def test_a_stream_appears_with_its_first_batch(aws: FakeLogs) -> None:
    aws.drive("jobs", "task/1", [(1.0, "a"), (2.0, "b"), (6.0, "c")], last_batch_s=20)
    assert code(lambda: aws.get_log_events(**HEAD)) == "ResourceNotFoundException"
    assert aws.describe_log_streams(logGroupName="jobs") == {"logStreams": []}

    looks = []
    for _ in range(2):
        aws.clock.sleep(10)
        looks.append(texts(aws.get_log_events(**HEAD)))

    assert looks == [["a", "b"], ["a", "b", "c"]]


def test_an_event_that_arrives_late_is_before_the_token(aws: FakeLogs) -> None:
    aws.write("jobs", "task/1", "late", at_s=1, visible_s=30)
    aws.write("jobs", "task/1", "early", at_s=2, visible_s=3)
    aws.clock.sleep(10)
    token = aws.get_log_events(**HEAD)["nextForwardToken"]
    aws.clock.sleep(30)

    assert texts(aws.get_log_events(**HEAD, nextToken=token)) == []
    assert texts(aws.get_log_events(**HEAD)) == ["late", "early"]


def test_more_calls_than_the_quota_are_throttled(aws: FakeLogs) -> None:
    aws.create_log_stream(**NAME)
    for _ in range(25):
        aws.get_log_events(**HEAD)

    assert code(lambda: aws.get_log_events(**HEAD)) == "ThrottlingException"
    aws.clock.sleep(1)
    aws.get_log_events(**HEAD)


def test_events_too_old_or_too_new_are_rejected(aws: FakeLogs) -> None:
    aws.create_log_stream(**NAME)

    answers = [put(aws, "a", at_s=at_s) for at_s in (-15 * DAY_S, 0, 3 * 3600)]

    assert [answer.get("rejectedLogEventsInfo") for answer in answers] == [
        {"tooOldLogEventEndIndex": 1},
        None,
        {"tooNewLogEventStartIndex": 0},
    ]
    assert texts(aws.get_log_events(**HEAD)) == ["a"]


def test_a_batch_out_of_order_is_refused(aws: FakeLogs) -> None:
    aws.create_log_stream(**NAME)
    now_ms = round(aws.clock.now().timestamp() * 1000)
    events = [{"timestamp": now_ms - n, "message": "a"} for n in range(2)]

    reason = code(lambda: aws.put_log_events(**NAME, logEvents=events))

    assert reason == "InvalidParameterException"


def test_the_time_of_the_last_event_lags_behind(aws: FakeLogs) -> None:
    aws.create_log_stream(**NAME)
    put(aws, "a")

    looks = []
    for _ in range(2):
        looks.append(aws.describe_log_streams(logGroupName="jobs")["logStreams"][0])
        aws.clock.sleep(3600)

    assert ["lastEventTimestamp" in look for look in looks] == [False, True]


def test_lists_have_pages(aws: FakeLogs) -> None:
    for n in range(60):
        aws.create_log_stream(logGroupName="jobs", logStreamName=f"task/{n:02d}")

    first = aws.describe_log_streams(logGroupName="jobs")
    rest = aws.describe_log_streams(logGroupName="jobs", nextToken=first["nextToken"])

    assert [len(page["logStreams"]) for page in (first, rest)] == [50, 10]
    assert "nextToken" not in rest


def test_the_newest_stream_can_come_first(aws: FakeLogs) -> None:
    for n in (1, 3, 2):
        aws.write("jobs", f"task/{n}", "a", at_s=n, visible_s=n)
    aws.clock.sleep(3700)

    page = aws.describe_log_streams(logGroupName="jobs", orderBy="LastEventTime", descending=True)

    assert [s["logStreamName"] for s in page["logStreams"]] == ["task/3", "task/2", "task/1"]


@pytest.mark.parametrize("parameters", [{}, {**NAME, "limit": 0}, {**NAME, "startFromhead": True}])
def test_requests_that_boto3_would_not_send_are_refused(
    aws: FakeLogs, parameters: dict[str, Any]
) -> None:
    with pytest.raises(ParamValidationError):
        aws.get_log_events(**parameters)


def test_names_are_taken_once_and_must_exist(aws: FakeLogs) -> None:
    aws.create_log_stream(**NAME)

    reasons = [
        code(lambda: aws.create_log_group(logGroupName="jobs")),
        code(lambda: aws.create_log_stream(**NAME)),
        code(lambda: aws.describe_log_streams(logGroupName="others")),
        code(lambda: aws.get_log_events(logGroupName="jobs", logStreamName="task/2")),
    ]

    assert reasons == ["ResourceAlreadyExistsException"] * 2 + ["ResourceNotFoundException"] * 2

"""A followed log is whole: nothing lost, nothing twice, whatever CloudWatch does."""

import random
from dataclasses import dataclass, replace
from itertools import islice

import pytest

from tradai.aws import AwsError, LogFollower, LogPolicy, LogPosition, LogSchedule
from tradai.aws.testing import FakeLogs
from tradai.core import JobLine, LogSummary, register_secret
from tradai.core.exceptions import NotFoundError, ValidationError

GROUP, STREAM = "jobs", "task/main/1"
START_S = 8.0


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A job that prints `lines` within `runs_s`, `burst` of them in its last moment."""

    lines: int = 4_000
    burst: int = 600
    runs_s: float = 60.0
    last_batch_s: float = 3.0
    page_events: int = 500
    empty_pages: float = 0.15
    throttled: float = 0.0
    has_marks: bool = True
    stopped_after_s: float = 1.0

    def play(self, seed: int) -> FakeLogs:
        """Return a CloudWatch that the job writes to."""
        aws = FakeLogs(seed=seed)
        aws.create_log_group(logGroupName=GROUP)
        aws.page_events, aws.empty_pages = self.page_events, self.empty_pages
        aws.throttled, aws.latency_s = self.throttled, 0.05
        aws.drive(GROUP, STREAM, self.printed(seed), last_batch_s=self.ends_s + self.last_batch_s)
        return aws

    @property
    def ends_s(self) -> float:
        """Instant at which the job ends."""
        return START_S + self.runs_s

    def printed(self, seed: int) -> list[tuple[float, str]]:
        """Return each text with its instant; many share one millisecond."""
        # Repeatable, and not used for cryptography.
        dice = random.Random(seed)  # noqa: S311
        steady = sorted(
            START_S + int(dice.uniform(0, self.runs_s) * 20) / 20
            for _ in range(self.lines - self.burst)
        )
        times = [*steady, *[self.ends_s - 0.05] * self.burst]
        texts = [text(number) for number in range(1, self.lines + 1)]
        if not self.has_marks:
            return list(zip(times, texts, strict=True))
        marked = [f"0badcafe:{n} {line}" for n, line in enumerate(texts, 1)]
        start = (START_S, "0badcafe:0!tradai-log 1")
        end = (self.ends_s, f"0badcafe:{self.lines + 1}!end {self.lines}")
        return [start, *zip(times, marked, strict=True), end]

    def follower(self, aws: FakeLogs, *, is_numbered: bool | None = None) -> LogFollower:
        """Return a follower on the clock of `aws`."""
        return LogFollower(
            aws,
            group=GROUP,
            stream=STREAM,
            is_stopped=lambda: aws.clock() >= self.ends_s + self.stopped_after_s,
            schedule=LogSchedule(clock=aws.clock),
            is_numbered=is_numbered,
        )


class RefusingLogs:
    """CloudWatch that refuses every request of the first minute."""

    def __init__(self, aws: FakeLogs) -> None:
        self.aws = aws

    def get_log_events(self, **parameters: object) -> dict[str, object]:
        self.aws.throttled = 1.0 if self.aws.clock() < 60 else 0.0
        return self.aws.get_log_events(**parameters)

    def describe_log_groups(self, **parameters: object) -> dict[str, object]:
        return self.aws.describe_log_groups(**parameters)


SCENARIOS = {
    "A: no empty pages": Scenario(empty_pages=0),
    "B: empty pages": Scenario(),
    "C: empty pages and throttling": Scenario(throttled=0.1),
    "D: a job of 4 seconds": Scenario(lines=200, burst=50, runs_s=4),
    "E: forty pages": Scenario(lines=10_000, burst=1_500, page_events=250),
    "F: the last batch is late": Scenario(last_batch_s=12),
}
# As E, in pages of a real size: it takes as long as all the others.
LARGE = Scenario(lines=40_000, burst=6_000, page_events=1_000)


def seeds(count: int) -> list[object]:
    """Return 200 seeds, of which `count` are not left to the deep lane."""
    deep = (pytest.param(seed, marks=pytest.mark.deep) for seed in range(count, 200))
    return [*range(count), *deep]


SEEDS = seeds(3)


def text(number: int) -> str:
    # Lines may be equal: most of a log repeats itself.
    return f"line {number % 7}"


def lines_of(count: int) -> list[JobLine]:
    return [JobLine(number=n, text=text(n)) for n in range(1, count + 1)]


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
@pytest.mark.parametrize("seed", SEEDS)
def test_a_numbered_log_is_whole_and_proven(scenario: Scenario, seed: int) -> None:
    check_whole_and_proven(scenario, seed)


@pytest.mark.parametrize("seed", seeds(1))
def test_a_log_of_forty_thousand_lines_is_whole_and_proven(seed: int) -> None:
    check_whole_and_proven(LARGE, seed)


def check_whole_and_proven(scenario: Scenario, seed: int) -> None:
    follower = scenario.follower(scenario.play(seed))

    lines = list(follower.lines())

    assert lines == lines_of(scenario.lines)
    assert follower.summary() == LogSummary(
        complete=True, expected=scenario.lines, seen=scenario.lines
    )


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
@pytest.mark.parametrize("seed", seeds(3))
def test_a_log_without_numbers_is_whole_and_not_proven(scenario: Scenario, seed: int) -> None:
    scenario = replace(scenario, has_marks=False)
    follower = scenario.follower(scenario.play(seed))

    lines = list(follower.lines())

    assert lines == lines_of(scenario.lines)
    assert follower.summary() == LogSummary(complete=False, expected=None, seen=scenario.lines)


@pytest.mark.parametrize("has_marks", [True, False])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_reader_that_is_killed_loses_and_doubles_nothing(seed: int, *, has_marks: bool) -> None:
    scenario = replace(SCENARIOS["B: empty pages"], has_marks=has_marks)
    aws = scenario.play(seed)
    # Repeatable, and not used for cryptography.
    dice = random.Random(seed)  # noqa: S311
    lines: list[JobLine] = []
    follower = scenario.follower(aws)
    taken = list(islice(follower.lines(), 100))

    while taken and len(lines) < 2 * scenario.lines:
        lines += taken
        position = follower.position.to_json()
        follower = scenario.follower(aws)
        after = LogPosition.from_json(position)
        taken = list(islice(follower.lines(after=after), dice.randrange(1, 700)))

    assert lines == lines_of(scenario.lines)
    assert follower.summary().complete is has_marks
    assert follower.summary().seen == scenario.lines


def test_a_reader_that_knows_a_number_gets_the_lines_after_it() -> None:
    scenario = SCENARIOS["D: a job of 4 seconds"]
    follower = scenario.follower(scenario.play(seed=1))

    lines = list(follower.lines(after=150))

    assert lines == lines_of(200)[150:]
    assert follower.summary().complete


@pytest.mark.parametrize("has_marks", [True, False])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_token_that_expires_loses_and_doubles_nothing(seed: int, *, has_marks: bool) -> None:
    # It writes for a quarter of an hour every two days: a token that ends the stream expires in
    # each silence, whatever the seed.
    aws = FakeLogs(seed=seed)
    aws.create_log_group(logGroupName=GROUP)
    scenario = replace(SCENARIOS["B: empty pages"], lines=60, burst=20, has_marks=has_marks)
    day_s = 24 * 3600.0
    turns = [(divmod(at_s - START_S, 16), line) for at_s, line in scenario.printed(seed)]
    slow = [(turn * 2 * day_s + within_s * 60, line) for (turn, within_s), line in turns]
    aws.drive(GROUP, STREAM, slow)
    patient = LogPolicy(longest_pause_s=3_600, quiet_pause_s=3_600)
    follower = LogFollower(
        aws,
        group=GROUP,
        stream=STREAM,
        is_stopped=lambda: aws.clock() >= 7.6 * day_s,
        schedule=LogSchedule(clock=aws.clock, policy=patient),
    )
    aws.page_events = 7

    lines = list(follower.lines())

    assert lines == lines_of(60)
    assert follower.summary().complete is has_marks
    tokens = [call.get("nextToken") for _, call in aws.calls]
    # Reading by time begins again after each expiry.
    assert tokens.count(None) > 3


@pytest.mark.parametrize("seed", SEEDS)
def test_lines_that_arrive_out_of_order_are_put_in_order(seed: int) -> None:
    scenario = SCENARIOS["B: empty pages"]
    # Repeatable, and not used for cryptography.
    dice = random.Random(seed)  # noqa: S311
    aws = FakeLogs(seed=seed)
    aws.create_log_group(logGroupName=GROUP)
    aws.page_events = 500
    for at_s, message in scenario.printed(seed):
        aws.write(GROUP, STREAM, message, at_s=at_s, visible_s=at_s + dice.uniform(1, 14))
    follower = scenario.follower(aws, is_numbered=True)

    lines = list(follower.lines())

    assert lines == lines_of(scenario.lines)
    assert follower.summary().complete


@pytest.mark.parametrize("seed", SEEDS)
def test_lines_that_never_arrive_are_named(seed: int) -> None:
    scenario = SCENARIOS["B: empty pages"]
    aws = FakeLogs(seed=seed)
    aws.create_log_group(logGroupName=GROUP)
    lost = {*range(100, 200), 3_000}
    kept = [item for n, item in enumerate(scenario.printed(seed)) if n not in lost]
    aws.drive(GROUP, STREAM, kept, last_batch_s=scenario.ends_s + 3)
    follower = scenario.follower(aws)

    lines = list(follower.lines())

    assert lines == [line for line in lines_of(scenario.lines) if line.number not in lost]
    assert follower.summary() == LogSummary(
        complete=False, expected=4_000, seen=3_899, gaps=((100, 199), (3_000, 3_000))
    )


def test_another_reader_knows_of_the_lines_that_were_missing() -> None:
    aws = FakeLogs()
    aws.create_log_group(logGroupName=GROUP)
    for number in (1, 2, 5, 6):
        aws.write(GROUP, STREAM, f"0badcafe:{number} line", at_s=number, visible_s=number)
    aws.write(GROUP, STREAM, "0badcafe:7!end 6", at_s=7, visible_s=7)
    first = Scenario().follower(aws, is_numbered=True)
    assert [line.number for line in islice(first.lines(), 3)] == [1, 2, 5]

    second = Scenario().follower(aws)

    assert [line.number for line in second.lines(after=first.position)] == [6]
    assert second.summary() == LogSummary(complete=False, expected=6, seen=4, gaps=((3, 4),))


def test_a_service_that_refuses_everything_for_a_minute_is_asked_less_and_less() -> None:
    scenario = SCENARIOS["D: a job of 4 seconds"]
    aws = scenario.play(seed=0)

    def is_stopped() -> bool:
        return aws.clock() > 60

    follower = LogFollower(
        RefusingLogs(aws),
        group=GROUP,
        stream=STREAM,
        is_stopped=is_stopped,
        schedule=LogSchedule(clock=aws.clock),
    )

    assert list(follower.lines()) == lines_of(scenario.lines)
    assert sum(name == "get_log_events" for name, _ in aws.calls) < 20


def test_a_line_that_comes_long_after_the_others_is_not_lost() -> None:
    aws = FakeLogs()
    aws.create_log_group(logGroupName=GROUP)
    for number, visible_s in ((1, 1.0), (2, 300.0), (3, 3.0), (4, 4.0)):
        mark = f"0badcafe:{number} {text(number)}"
        aws.write(GROUP, STREAM, mark, at_s=number, visible_s=visible_s)
    aws.write(GROUP, STREAM, "0badcafe:0!tradai-log 1", at_s=0.5, visible_s=1)
    aws.write(GROUP, STREAM, "0badcafe:5!end 4", at_s=400, visible_s=401)

    follower = replace(Scenario(), runs_s=400).follower(aws)

    assert sorted(line.number for line in follower.lines()) == [1, 2, 3, 4]
    assert follower.summary().complete


def test_a_clock_that_is_set_back_loses_nothing() -> None:
    aws = FakeLogs()
    aws.create_log_group(logGroupName=GROUP)
    aws.clock.sleep(4_000)
    texts = ["!tradai-log 1", *(f" {text(n)}" for n in range(1, 5)), "!end 4"]
    for number, (at_s, rest) in enumerate(
        zip((10, 11, 12, -3600, -3599, -3598), texts, strict=True)
    ):
        mark = f"0badcafe:{number}{rest}"
        aws.write(GROUP, STREAM, mark, at_s=4_000 + at_s, visible_s=4_011 + number * 11)
    follower = replace(Scenario(), runs_s=4_050).follower(aws)

    assert list(follower.lines()) == lines_of(4)
    assert follower.summary().complete


def test_lines_after_a_killed_job_are_waited_for() -> None:
    scenario = SCENARIOS["F: the last batch is late"]
    aws = FakeLogs()
    aws.create_log_group(logGroupName=GROUP)
    # It was killed: the end marker is missing.
    aws.drive(GROUP, STREAM, scenario.printed(0)[:-1], last_batch_s=scenario.ends_s + 12)
    follower = scenario.follower(aws)

    assert list(follower.lines()) == lines_of(scenario.lines)
    assert follower.summary() == LogSummary(complete=False, expected=None, seen=scenario.lines)


def test_a_job_that_never_wrote_has_no_lines_and_no_proof() -> None:
    aws = FakeLogs()
    aws.create_log_group(logGroupName=GROUP)

    follower = Scenario().follower(aws)

    assert list(follower.lines()) == []
    assert follower.summary() == LogSummary(complete=False, expected=None, seen=0)


def test_lines_of_another_container_are_strays() -> None:
    aws = FakeLogs()
    aws.create_log_group(logGroupName=GROUP)
    for at_s, message in enumerate(
        (
            "0badcafe:0!tradai-log 1",
            "0badcafe:1 line 1",
            "deadbeef:0!tradai-log 1",
            "deadbeef:1 line 1",
            "deadbeef:2!end 1",
            "not a record",
            "0badcafe:2 line 2",
            "0badcafe:3!end 2",
        )
    ):
        aws.write(GROUP, STREAM, message, at_s=at_s, visible_s=20)
    follower = Scenario().follower(aws)

    assert list(follower.lines()) == lines_of(2)
    assert follower.summary() == LogSummary(complete=False, expected=2, seen=2, strays=4)


def test_a_line_that_looks_like_a_marker_is_text() -> None:
    fakes = ["0badcafe:2!end 1", "deadbeef:0!tradai-log 1", "0badcafe:1 line 1"]
    aws = FakeLogs()
    aws.create_log_group(logGroupName=GROUP)
    marked = [f"0badcafe:{n} {line}" for n, line in enumerate(fakes, 1)]
    texts = ["0badcafe:0!tradai-log 1", *marked, "0badcafe:4!end 3"]
    aws.drive(GROUP, STREAM, list(enumerate(texts)))
    follower = Scenario().follower(aws)

    assert [line.text for line in follower.lines()] == fakes
    assert follower.summary().complete


def test_a_reader_that_does_not_follow_returns_what_is_there() -> None:
    scenario = SCENARIOS["B: empty pages"]
    aws = scenario.play(seed=0)
    aws.clock.sleep(30)
    follower = scenario.follower(aws)

    lines = list(follower.lines(follow=False))

    assert 0 < len(lines) < scenario.lines
    assert lines == lines_of(len(lines))
    assert aws.clock() < 40


def test_a_group_that_does_not_exist_is_named() -> None:
    aws = FakeLogs()
    aws.create_log_group(logGroupName=f"{GROUP}-of-others")

    with pytest.raises(NotFoundError, match="the log group jobs does not exist"):
        list(Scenario().follower(aws).lines())


def test_without_the_right_to_list_groups_a_stream_is_waited_for() -> None:
    scenario = SCENARIOS["D: a job of 4 seconds"]
    aws = scenario.play(seed=0)
    aws.refusals["describe_log_groups"] = "AccessDeniedException"

    assert list(scenario.follower(aws).lines()) == lines_of(scenario.lines)


def test_a_refusal_for_good_is_raised() -> None:
    aws = SCENARIOS["B: empty pages"].play(seed=0)
    aws.refusals["get_log_events"] = "AccessDeniedException"

    with pytest.raises(AwsError, match="AccessDeniedException"):
        list(Scenario().follower(aws).lines())


def test_secrets_are_masked() -> None:
    register_secret("fake-printed-value")
    aws = FakeLogs()
    aws.create_log_group(logGroupName=GROUP)
    aws.drive(GROUP, STREAM, [(1, "-> fake-printed-value <-")])

    lines = list(replace(Scenario(), runs_s=1).follower(aws).lines())

    assert [line.text for line in lines] == ["-> *** <-"]


def test_another_reader_masks_a_secret_over_two_pieces_of_a_line() -> None:
    register_secret("fake-followed-in-two-pieces")
    rests = ["0!tradai-log 1", "1+-> fake-followed", "2 -in-two-pieces <-", "3 last", "4!end 3"]
    aws = FakeLogs()
    aws.create_log_group(logGroupName=GROUP)
    aws.drive(GROUP, STREAM, list(enumerate(f"0badcafe:{rest}" for rest in rests)))
    follower = Scenario().follower(aws)
    first = list(islice(follower.lines(), 1))

    again = list(Scenario().follower(aws).lines(after=follower.position))

    assert first == again[:1]
    assert [line.text for line in again] == ["-> ", "*** <-", "last"]


@pytest.mark.parametrize("value", ["", "[]", "{}", '{"number":1}', '{"taken":1,"gaps":2}'])
def test_a_text_that_is_not_a_position_is_refused(value: str) -> None:
    with pytest.raises(ValidationError, match="JSON of a LogPosition"):
        LogPosition.from_json(value)

import random

import pytest
from hypothesis import given, settings, strategies as st

from tradai.core import JobLine, JobLog, LogSummary, register_secret

START = "5f0c9a1e:0!tradai-log 1"


def record(number: int, rest: str) -> str:
    return f"5f0c9a1e:{number}{rest}"


def read(*texts: str, is_numbered: bool | None = None) -> tuple[list[JobLine], LogSummary]:
    log = JobLog(is_numbered=is_numbered)
    lines = [line for text in texts for line in log.add(text)]
    return [*lines, *log.give_up()], log.summary()


@given(count=st.integers(0, 40), data=st.data())
@settings(max_examples=100)
def test_texts_in_any_order_and_number_give_each_line_once(count: int, data: st.DataObject) -> None:
    texts = [record(n, f" line {n}") for n in range(1, count + 1)]
    marks = [START, record(count + 1, f"!end {count}")]
    repeated = data.draw(st.lists(st.sampled_from([*texts, *marks]), max_size=20))
    order = data.draw(st.permutations([*texts, *marks, *repeated]))

    lines, summary = read(*order, is_numbered=True)

    assert lines == [JobLine(number=n, text=f"line {n}") for n in range(1, count + 1)]
    assert summary == LogSummary(complete=True, expected=count, seen=count)


@given(count=st.integers(1, 40), data=st.data())
def test_a_line_that_is_missing_is_never_taken_for_proof(count: int, data: st.DataObject) -> None:
    lost = data.draw(st.sets(st.integers(1, count), min_size=1))
    kept = [n for n in range(1, count + 1) if n not in lost]
    texts = [START, *(record(n, f" {n}") for n in kept), record(count + 1, f"!end {count}")]

    lines, summary = read(*texts)

    assert [line.number for line in lines] == kept
    assert not summary.complete
    assert summary.seen == len(kept)
    assert {n for first, last in summary.gaps for n in range(first, last + 1)} == lost


def test_a_log_without_its_end_marker_is_not_proven() -> None:
    _, summary = read(START, record(1, " one"))

    assert summary == LogSummary(complete=False, expected=None, seen=1)


def test_a_line_waits_for_those_before_it() -> None:
    log = JobLog()

    arrivals = [log.add(text) for text in (START, record(2, " two"), record(1, " one"))]

    assert [[line.text for line in lines] for lines in arrivals] == [[], [], ["one", "two"]]


def test_a_line_that_comes_after_it_was_given_up_fills_its_gap() -> None:
    log = JobLog(is_numbered=True)
    for n in (1, 2, 5, 7):
        log.add(record(n, f" {n}"))
    log.give_up()
    log.add(record(8, "!end 7"))
    assert log.summary().gaps == ((3, 4), (6, 6))

    late = [log.add(record(n, f" {n}")) for n in (4, 6, 4, 3)]

    assert [[line.number for line in lines] for lines in late] == [[4], [6], [], [3]]
    assert log.summary() == LogSummary(complete=True, expected=7, seen=7)


@pytest.mark.parametrize(
    "text",
    [
        "5f0c9a1e:1 a job that prints what another one logged",
        "5f0c9a1e:0!tradai-log 2",
        "5f0c9a1e:0 tradai-log 1",
        " 5f0c9a1e:0!tradai-log 1",
        "",
    ],
)
def test_a_log_that_starts_otherwise_is_not_numbered(text: str) -> None:
    lines, summary = read(text, record(2, "!end 1"))

    assert [line.text for line in lines] == [text, record(2, "!end 1")]
    assert summary == LogSummary(complete=False, expected=None, seen=2)


def test_a_printed_marker_is_text() -> None:
    lines, summary = read(
        START, record(1, f" {START}"), record(2, f" {record(2, '!end 1')}"), record(3, "!end 2")
    )

    assert [line.text for line in lines] == [START, record(2, "!end 1")]
    assert summary.complete


@pytest.mark.parametrize("stray", ["deadbeef:1 one", "no record", record(9, " after the end")])
def test_a_text_that_does_not_belong_to_the_log_ends_its_proof(stray: str) -> None:
    lines, summary = read(START, record(1, " one"), record(2, "!end 1"), stray)

    assert [line.text for line in lines] == ["one"]
    assert summary == LogSummary(complete=False, expected=1, seen=1, strays=1)


@pytest.mark.parametrize("mark", [record(2, "!end 5"), record(2, "!end"), record(2, "!end 01")])
def test_a_marker_that_contradicts_its_number_proves_nothing(mark: str) -> None:
    _, summary = read(START, record(1, " one"), mark)

    assert summary.expected is None


def test_empty_texts_and_white_space_are_kept() -> None:
    texts = ["", " ", "  indented", "tab\t", "a\rb", "\u2028"]
    records = [record(n, f" {text}") for n, text in enumerate(texts, 1)]

    lines, _ = read(START, *records, record(7, ""))

    # A service that strips white space from the end leaves an empty line without its separator.
    assert [line.text for line in lines] == [*texts, ""]


def test_pieces_of_a_long_line_are_lines() -> None:
    lines, _ = read(START, record(1, "+begin"), record(2, " end"))

    assert lines == [JobLine(number=1, text="begin"), JobLine(number=2, text="end")]


def test_secrets_are_masked() -> None:
    register_secret("fake-logged-value")

    for texts in ((START, record(1, " -> fake-logged-value <-")), ("-> fake-logged-value <-",)):
        lines, _ = read(*texts)
        assert [line.text for line in lines] == ["-> *** <-"]


def test_a_secret_over_two_pieces_is_masked_in_the_second() -> None:
    register_secret("fake-value-in-two-pieces")
    log = JobLog(is_numbered=True)

    arrivals = [
        log.add(record(n, rest))
        for n, rest in enumerate(["+-> fake-value", "+-in-two-pieces <-", " end"], 1)
    ]

    lines = [[(line.number, line.text) for line in one] for one in arrivals]
    assert lines == [[], [(1, "-> ")], [(2, "*** <-"), (3, "end")]]
    assert [log.resume_after(number) for number in (1, 2, 3)] == [0, 2, 3]


def test_another_reader_masks_a_secret_over_two_pieces_too() -> None:
    register_secret("fake-value-between-readers")
    texts = [record(1, " first"), record(2, "+-> fake-value-betw"), record(3, " een-readers <-")]
    log = JobLog(is_numbered=True)
    lines = [line for text in texts for line in log.add(text)]

    after = log.resume_after(lines[1].number)
    other = JobLog(is_numbered=True, after=after)
    again = [line for text in texts for line in other.add(text)]

    assert again == lines[1:]
    assert [line.text for line in again] == ["-> ", "*** <-"]


@pytest.mark.parametrize(
    ("marks", "is_whole"), [([record(2, "!end 1")], True), ([], False), ([record(3, " 3")], False)]
)
def test_the_last_piece_that_came_is_not_lost(marks: list[str], *, is_whole: bool) -> None:
    lines, summary = read(START, record(1, "+begin"), *marks)

    assert lines[0] == JobLine(number=1, text="begin")
    assert summary.complete is is_whole


def test_the_end_marker_releases_the_last_piece() -> None:
    log = JobLog(is_numbered=True)

    assert log.add(record(1, "+begin")) == []
    assert log.add(record(2, "!end 1")) == [JobLine(number=1, text="begin")]


@given(pieces=st.lists(st.text(max_size=20), min_size=1, max_size=20))
def test_pieces_without_a_secret_stay_as_they_are(pieces: list[str]) -> None:
    lines, summary = read(
        START,
        *(record(n, f"+{text}") for n, text in enumerate(pieces, 1)),
        record(len(pieces) + 1, f"!end {len(pieces)}"),
    )

    assert [line.text for line in lines] == pieces
    assert summary.complete


def test_another_reader_goes_on_with_the_gaps_of_the_first() -> None:
    log = JobLog(is_numbered=True, stream_id="5f0c9a1e", after=10, given_up=((3, 4),))

    lines = [line.number for n in (3, 9, 11) for line in log.add(record(n, " text"))]

    assert lines == [3, 11]
    assert log.summary() == LogSummary(complete=False, expected=None, seen=10, gaps=((4, 4),))


def test_a_long_log_that_comes_backwards_is_put_in_order() -> None:
    numbers = list(range(1, 2_001))
    # Repeatable, and not used for cryptography.
    random.Random(0).shuffle(numbers)  # noqa: S311

    lines, _ = read(*(record(n, " text") for n in numbers), is_numbered=True)

    assert [line.number for line in lines] == list(range(1, 2_001))

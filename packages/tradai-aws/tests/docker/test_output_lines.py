"""Lines from the pieces of a container's output."""

import pytest
from hypothesis import given, strategies as st

from tradai.aws._docker.output_lines import numbered_lines
from tradai.core import LONGEST_LINE, JobLine, register_secret

# Private on purpose: no daemon can be made to cut its output at each place.


def texts(*pieces: bytes, is_whole: bool = True) -> list[str]:
    return [line.text for line in numbered_lines(pieces, is_whole=is_whole)]


def test_lines_are_numbered_from_1() -> None:
    lines = list(numbered_lines([b"one\ntwo\n"], is_whole=True))

    assert lines == [JobLine(number=1, text="one"), JobLine(number=2, text="two")]


def test_a_line_that_may_go_on_is_kept_back() -> None:
    assert texts(b"one\ntw", is_whole=False) == ["one"]
    assert texts(b"one\ntw", is_whole=True) == ["one", "tw"]


def test_a_long_line_is_cut_and_its_newline_counts_once() -> None:
    long = b"x" * LONGEST_LINE

    assert [len(text) for text in texts(long, b"\n", b"\n")] == [LONGEST_LINE, 0]
    assert [len(text) for text in texts(long + b"yy\nz")] == [LONGEST_LINE, 2, 1]


@pytest.mark.parametrize("is_whole", [True, False])
def test_a_secret_over_the_cut_of_a_long_line_is_masked(*, is_whole: bool) -> None:
    register_secret("fake-printed-over-the-cut")
    head, tail = b"a" * (LONGEST_LINE - 9), b"b" * LONGEST_LINE

    lines = texts(head + b" fake-print", b"ed-over-the-cut " + tail + b"\n", is_whole=is_whole)

    assert "".join(lines) == f"{head.decode()} *** {tail.decode()}"
    assert len(lines) > 1


def test_a_secret_over_the_cut_of_the_last_line_is_masked() -> None:
    register_secret("fake-printed-at-the-end")

    lines = texts(b"a" * (LONGEST_LINE - 9) + b" fake-printed-at-the-end")

    assert lines == ["a" * (LONGEST_LINE - 9) + " ", "***"]


def test_bytes_that_are_not_utf_8_are_replaced() -> None:
    assert texts(b"a\xffb\n\x00\r\n") == ["a\ufffdb", "\x00"]


@given(st.binary(max_size=300), st.lists(st.integers(0, 300)))
def test_the_lines_do_not_depend_on_the_pieces(data: bytes, cuts: list[int]) -> None:
    ends = [*sorted(cuts), len(data)]
    pieces = [data[start:end] for start, end in zip([0, *ends], ends, strict=False)]

    assert texts(*pieces) == texts(data)


def test_a_log_with_numbers_of_its_own_has_its_lines_and_its_gaps() -> None:
    numbered = b"5f0c9a1e:0!tradai-log 1\n5f0c9a1e:1 one\n5f0c9a1e:4 four\n5f0c9a1e:5!end 4\n"

    # A line that was lost never comes, so the ones after it do not wait for the end.
    for data in (numbered, numbered.rpartition(b"5f0c9a1e:5")[0]):
        lines = list(numbered_lines([data], is_whole=False))

        assert lines == [JobLine(number=1, text="one"), JobLine(number=4, text="four")]


def test_a_secret_over_two_pieces_of_a_numbered_log_is_masked() -> None:
    register_secret("obviously-fake-secret-6")
    records = (
        "5f0c9a1e:0!tradai-log 1\n5f0c9a1e:1+the key is obviously-fake\n"
        "5f0c9a1e:2 -secret-6, see\n5f0c9a1e:3!end 2\n"
    )

    text = "".join(line.text for line in numbered_lines([records.encode()], is_whole=True))

    assert text == "the key is ***, see"

from pathlib import Path

from tradai.core import LONGEST_LINE, register_secret
from tradai.entrypoint._jobs.log_reader import LogReader


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def texts(reader: LogReader, *, end: int | None = None) -> list[str]:
    return [line.text for line in reader.lines(end=end)]


def test_a_line_is_yielded_once_it_is_whole(tmp_path: Path) -> None:
    log = tmp_path / "output.log"
    with LogReader(log) as reader:
        assert texts(reader) == []
        append(log, b"one\ntw")
        assert texts(reader) == ["one"]
        assert texts(reader) == []
        append(log, b"o\r\nrest")
        assert texts(reader) == ["two"]
        assert texts(reader, end=log.stat().st_size) == ["rest"]
        assert texts(reader, end=log.stat().st_size) == []


def test_output_after_the_end_of_the_job_is_left_out(tmp_path: Path) -> None:
    log = tmp_path / "output.log"
    append(log, b"one\nlate\n")

    with LogReader(log) as reader:
        assert texts(reader, end=4) == ["one"]


def test_a_long_line_comes_in_pieces_that_are_numbered(tmp_path: Path) -> None:
    log = tmp_path / "output.log"
    append(log, b"a" * LONGEST_LINE + b"\n" + b"b" * (LONGEST_LINE + 1) + b"\nlast\n")

    with LogReader(log) as reader:
        lines = list(reader.lines(end=None))

    sizes = [(line.number, len(line.text)) for line in lines]
    assert sizes == [(1, LONGEST_LINE), (2, LONGEST_LINE), (3, 1), (4, 4)]


def test_bytes_that_are_not_text_are_replaced(tmp_path: Path) -> None:
    log = tmp_path / "output.log"
    append(log, b"\xff\xfe ok\n")

    with LogReader(log) as reader:
        assert texts(reader) == ["\ufffd\ufffd ok"]


def test_secrets_are_masked(tmp_path: Path) -> None:
    register_secret("fake-reader-value")
    log = tmp_path / "output.log"
    append(log, b"-> fake-reader-value <-\n")

    with LogReader(log) as reader:
        assert texts(reader) == ["-> *** <-"]


def test_a_secret_over_the_cut_of_a_long_line_is_masked(tmp_path: Path) -> None:
    register_secret("fake-value-over-the-cut")
    log = tmp_path / "output.log"
    with LogReader(log) as reader:
        append(log, b"a" * (LONGEST_LINE - 9) + b" fake-value-ov")
        assert texts(reader) == []
        append(log, b"er-the-cut " + b"b" * LONGEST_LINE + b"\n")
        pieces = texts(reader)

    assert "".join(pieces) == "a" * (LONGEST_LINE - 9) + " *** " + "b" * LONGEST_LINE
    assert len(pieces) > 1

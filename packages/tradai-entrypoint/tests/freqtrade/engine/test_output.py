import subprocess
import sys
from pathlib import Path

import pytest

from tradai.core import register_secret
from tradai.core.exceptions import StorageError
from tradai.entrypoint.freqtrade._engine.output import EngineOutput

LONG = 64 * 1024


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "engine.log"


def heard(log: Path, *pieces: bytes) -> list[str]:
    lines: list[str] = []
    with EngineOutput(log, lines.append) as output:
        for piece in pieces:
            output.feed(piece)
        output.finish()
    return lines


@pytest.mark.parametrize(
    ("pieces", "lines"),
    [
        ([], []),
        ([b"one\ntwo\n"], ["one", "two"]),
        ([b"o", b"n", b"e\n"], ["one"]),
        ([b"no newline"], ["no newline"]),
        ([b"\n\n"], ["", ""]),
        ([b"dos\r\n"], ["dos"]),
        ([b"split \xe2\x82", b"\xac\n"], ["split \u20ac"]),
        ([b"\xff\xfe bad\n"], ["\ufffd\ufffd bad"]),
        ([b"two\twords\n"], ["two\twords"]),
    ],
)
def test_whatever_is_printed_becomes_lines(
    log: Path, pieces: list[bytes], lines: list[str]
) -> None:
    assert heard(log, *pieces) == lines
    assert log.read_bytes() == "".join(line + "\n" for line in lines).encode()


def test_control_characters_are_inert_in_the_log_and_passed_on_as_they_are(log: Path) -> None:
    lines = heard(log, b"null \x00 \x1b[2J \xe2\x80\xae\n")

    assert lines == ["null \x00 \x1b[2J \u202e"]
    assert log.read_text() == "null \\x00 \\x1b[2J \\u202e\n"


def test_a_line_is_passed_on_when_it_is_whole_and_not_before(log: Path) -> None:
    lines: list[str] = []

    with EngineOutput(log, lines.append) as output:
        output.feed(b"one\ntw")
        assert lines == ["one"]
        output.feed(b"o\n")
        assert lines == ["one", "two"]


# In a process of its own: threads and secrets of other tests take memory, too.
ENDLESS = """
import sys, tracemalloc
from pathlib import Path
from tradai.entrypoint.freqtrade._engine.output import EngineOutput

sizes, piece = [], b"x" * 65536
with EngineOutput(Path(sys.argv[1]), lambda line: sizes.append(len(line))) as output:
    tracemalloc.start()
    for _ in range(64):
        output.feed(piece)
    output.finish()
    print(sum(sizes), max(sizes), tracemalloc.get_traced_memory()[1])
"""


def test_a_line_without_end_is_cut_and_memory_stays_bounded(log: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ENDLESS, str(log)], capture_output=True, check=True, text=True
    )

    total, longest, peak = map(int, done.stdout.split())
    assert total == 64 * LONG
    assert longest <= 2 * LONG
    assert peak < 16 * LONG


def test_a_log_that_is_there_already_is_continued(log: Path) -> None:
    heard(log, b"one\n")
    heard(log, b"two\n")

    assert log.read_text() == "one\ntwo\n"


def test_secrets_reach_neither_log_nor_listener(log: Path) -> None:
    register_secret("obviously-fake-secret-1")

    (line,) = heard(log, b"key obviously-fake-", b"secret-1 ok\n")

    assert line.startswith("key *")
    assert line.endswith("* ok")
    assert "obviously-fake" not in log.read_text()


def test_a_log_that_cannot_be_opened_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"missing/engine\.log cannot be written"):
        EngineOutput(tmp_path / "missing" / "engine.log", print)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_noted_and_the_lines_are_passed_on_all_the_same() -> None:
    lines: list[str] = []

    with EngineOutput(Path("/dev/full"), lines.append) as output:
        output.feed(b"one\n")
        output.feed(b"two\n")

    assert lines == ["one", "two"]
    assert isinstance(output.error, StorageError)
    assert "free some space" in str(output.error)


def test_what_the_disk_refuses_a_listener_is_noted_too(log: Path) -> None:
    def refuse(line: str) -> None:
        raise StorageError(line, operation="append")

    with EngineOutput(log, refuse) as output:
        output.feed(b"one\ntwo\n")

    assert str(output.error) == "one"
    assert log.read_text() == "one\ntwo\n"


def test_a_log_that_is_full_is_replaced_and_the_last_few_are_kept(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tradai.entrypoint.freqtrade._engine.output._FILE_BYTES", 8)

    with EngineOutput(log, lambda _: None) as output:
        for number in range(7):
            output.feed(b"line %d!\n" % number)

    kept = {path.name: path.read_text() for path in log.parent.iterdir()}
    assert kept == {
        "engine.log": "line 6!\n",
        "engine.log.1": "line 5!\n",
        "engine.log.2": "line 4!\n",
        "engine.log.3": "line 3!\n",
        "engine.log.4": "line 2!\n",
    }


@pytest.mark.parametrize("name", ["apiKey", "secret", "password", "jwt_secret_key", "ws_token"])
def test_a_value_behind_a_sensitive_name_is_masked_whoever_logs_it(log: Path, name: str) -> None:
    line = f"2026-11-24 01:03:38,504 - s - INFO - ccxt config: {{'{name}': 'never-registered'}}"

    (passed_on,) = heard(log, line.encode()[:70], line.encode()[70:] + b"\n")

    assert passed_on == line.replace("never-registered", "***")
    assert log.read_text() == passed_on + "\n"


@pytest.mark.parametrize(
    ("shown", "masked"),
    [
        (b" fake-value-over-the-cut ", " *** "),
        (b" apiKey='fake-named-value' ", " apiKey='***' "),
        (" \u20ac ".encode(), " \u20ac "),
    ],
)
@pytest.mark.parametrize("before", range(0, 30, 3))
def test_a_long_line_is_not_cut_inside_a_secret(
    log: Path, shown: bytes, masked: str, before: int
) -> None:
    register_secret("fake-value-over-the-cut")
    line = b"a" * (LONG - before) + shown + b"b" * LONG + b"\n"

    pieces = heard(log, *(line[start : start + 4_096] for start in range(0, len(line), 4_096)))

    assert "".join(pieces) == "a" * (LONG - before) + masked + "b" * LONG
    assert len(pieces) > 1
    assert log.read_text().replace("\n", "") == "".join(pieces)

"""Constants are evaluated as Python would, and nothing else is."""

from pathlib import Path

import pytest

from tradai.entrypoint.freqtrade._strategy.class_syntax import Informative
from tradai.entrypoint.freqtrade._strategy.source import SourceFacts, inspect_source

HEAD = "from freqtrade.strategy import IStrategy, informative\n"


def facts(folder: Path, body: str, *, top: str = "", **files: str) -> SourceFacts:
    for stem, text in files.items():
        (folder / f"{stem}.py").write_text(text)
    (folder / "wave.py").write_text(f"{HEAD}{top}\nclass Wave(IStrategy):\n    {body}\n")
    return inspect_source(folder, "Wave")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("20 * 5 + 1", 101),
        ("-3 // 2 % 4", -3 // 2 % 4),
        ("max(10, 20, int('30'))", 30),
        ("round(7 / 2)", 4),
        ("sum([1, 2]) + len('abc')", 6),
        ("abs(-5)", 5),
    ],
)
def test_simple_arithmetic_is_read(tmp_path: Path, text: str, value: int) -> None:
    assert facts(tmp_path, f"startup_candle_count = {text}").startup_candles == value


@pytest.mark.parametrize(
    "text",
    [
        "load()",
        "2 ** 9",
        "10 ** 10 ** 10",
        "'9' * 10",
        "1 / 0",
        "10_000_000_000 * 10_000_000_000",
        "MISSING",
        "int('x')",
        "max(1, key=len)",
        "[1, 2][0]",
        "x" + " + x" * 40,
    ],
)
def test_only_running_could_give_other_values(tmp_path: Path, text: str) -> None:
    read = facts(tmp_path, f"startup_candle_count = {text}")

    assert read.startup_candles is None
    assert "startup_candle_count" not in read.constants
    assert "startup_candle_count" in read.names


@pytest.mark.parametrize(
    ("top", "named"),
    [
        ("SLOW = '1h'", "SLOW"),
        ("HOURS = 2 - 1", "f'{HOURS}h'"),
        ("HOURS = 2 - 1", "str(HOURS) + 'h'"),
        ("from times import SLOW", "SLOW"),
        ("from times import SLOW as S", "S"),
        ("from times import *", "SLOW"),
        ("import times", "times.SLOW"),
        ("import times as t", "timeframe=t.SLOW"),
        ("from times import SLOW", "SLOW, fmt=lambda **names: 'x', ffill=choose()"),
    ],
)
def test_a_constant_is_found_where_it_is_defined(tmp_path: Path, top: str, named: str) -> None:
    body = f"@informative({named})\n    def slow(self, df, meta): ..."

    read = facts(tmp_path, body, top=top, times="SLOW = '1h'\n")

    assert read.informative == (Informative("1h"),)
    assert read.open_informative == ()


def test_a_name_of_the_class_body_goes_over_one_of_the_file(tmp_path: Path) -> None:
    body = "SLOW = '4h'\n    @informative(SLOW, 'BTC/{stake}')\n    def slow(self, df, meta): ..."

    read = facts(tmp_path, body, top="SLOW = '1h'")

    assert read.informative == (Informative("4h", "BTC/{stake}"),)


@pytest.mark.parametrize(
    "top",
    [
        "SLOW = '1h'\nSLOW = '4h'",
        "SLOW = '1h'\nif True:\n    SLOW = '4h'",
        "SLOW = '1h'\nSLOW += 'x'",
        "SLOW = '1h'\ndef change():\n    global SLOW\n    SLOW = '4h'",
        "SLOW = OTHER\nOTHER = SLOW",
        "for SLOW in ['1h']: pass",
        "from elsewhere import SLOW",
        "SLOW = 60",
        "SLOW = 60; GIVEN = {'timeframe': '1h'}",
    ],
)
def test_an_informative_method_that_cannot_be_read_is_named_with_its_line(
    tmp_path: Path, top: str
) -> None:
    body = "@informative(SLOW)\n    def slow(self, df, meta): ..."

    read = facts(tmp_path, body, top=top)

    assert read.informative == ()
    assert read.open_informative == (f"wave.py:{3 + len(top.splitlines())}",)


def test_the_last_value_in_a_class_body_counts(tmp_path: Path) -> None:
    body = "startup_candle_count = 20\n    startup_candle_count = 200"

    assert facts(tmp_path, body).startup_candles == 200


def test_a_value_that_depends_on_a_condition_is_open(tmp_path: Path) -> None:
    body = "startup_candle_count = 20\n    if True:\n        startup_candle_count = 200"

    assert facts(tmp_path, body).startup_candles is None


def test_attributes_that_a_method_sets_are_known(tmp_path: Path) -> None:
    body = "timeframe = '5m'\n    def bot_start(self):\n        self.timeframe = '1h'"

    read = facts(tmp_path, body)

    assert read.constants["timeframe"] == "5m"
    assert read.assigned == {"timeframe"}


def test_an_expression_that_grows_without_end_is_given_up(tmp_path: Path) -> None:
    wider = "\n".join(f"A{n + 1} = [A{n}, A{n}, A{n}, A{n}]" for n in range(8))

    constants = facts(tmp_path, "small = A3\n    big = A8", top=f"A0 = 1\n{wider}").constants

    assert "small" in constants
    assert "big" not in constants

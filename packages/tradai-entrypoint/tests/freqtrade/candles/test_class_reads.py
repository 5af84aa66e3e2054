"""The candles that a class reads are found in its words, as Python would read them."""

from pathlib import Path

import pytest

from tradai.entrypoint.freqtrade._candles.class_reads import note_on_computed, read_series
from tradai.entrypoint.freqtrade._strategy.source import inspect_source

CLASS = """
from freqtrade.strategy import IStrategy

PAIR = "ADA/USDT"

class Wave(IStrategy):
    timeframe = "5m"

"""


def series_of(folder: Path, method: str, *, timeframe: str = "5m") -> tuple[str, ...]:
    lines = "".join(f"    {line}\n" for line in method.strip().splitlines())
    (folder / "wave.py").write_text(CLASS + lines)
    return read_series(inspect_source(folder, "Wave"), timeframe=timeframe, has_contracts=False)


def test_the_timeframe_of_the_configuration_goes_over_that_of_the_class(tmp_path: Path) -> None:
    method = """
def populate_indicators(self, dataframe, metadata):
    self.dp.get_pair_dataframe(metadata["pair"], self.timeframe)
    self.dp.get_pair_dataframe("BTC/USDT", self.timeframe)
"""

    assert series_of(tmp_path, method, timeframe="15m") == ("BTC/USDT@15m",)


@pytest.mark.parametrize(
    "method",
    [
        """
def other(self, PAIR):
    return self.dp.get_pair_dataframe(PAIR, "1h")
""",
        """
def other(self, pair, is_other):
    if is_other:
        pair = "ADA/USDT"
    return self.dp.get_pair_dataframe(pair, "1h")
""",
        """
def other(self):
    pair = pair
    return self.dp.get_pair_dataframe(pair, "1h")
""",
        """
def other(self, *, pair=None):
    pair = "ADA/USDT"
    return self.dp.get_pair_dataframe(pair, "1h")
""",
        """
def other(self, pairs):
    pair = "ADA/USDT"
    for pair in pairs:
        self.dp.get_pair_dataframe(pair, "1h")
""",
        """
def other(self, pairs):
    pair = "ADA/USDT"
    with pairs as pair:
        self.dp.get_pair_dataframe(pair, "1h")
""",
        """
def other(self, pairs):
    pair = "ADA/USDT"
    while pair := pairs.pop():
        self.dp.get_pair_dataframe(pair, "1h")
""",
        """
def other(self, pairs):
    return [self.dp.get_pair_dataframe(PAIR, "1h") for PAIR in pairs]
""",
        """
def other(self, pairs):
    match pairs:
        case [PAIR]:
            self.dp.get_pair_dataframe(PAIR, "1h")
""",
        """
def other(self, pairs):
    pair = "ADA/USDT"
    def read(pair):
        return self.dp.get_pair_dataframe(pair, "1h")
    return read(pairs[0])
""",
        """
def other(self, pairs):
    pair = "ADA/USDT"
    return [*map(lambda pair: self.dp.get_pair_dataframe(pair, "1h"), pairs)]
""",
        """
def other(self, pairs):
    pair = "ADA/USDT"
    def change():
        nonlocal pair
        pair = pairs[0]
    change()
    return self.dp.get_pair_dataframe(pair, "1h")
""",
    ],
)
def test_a_name_that_is_bound_in_another_way_has_no_pair_in_words(
    tmp_path: Path, method: str
) -> None:
    assert series_of(tmp_path, method) == ()


def test_an_inner_function_sees_the_names_around_it_and_its_own_go_over_them(
    tmp_path: Path,
) -> None:
    method = """
def other(self):
    pair, later = "no", "no"
    pair_of_mine = "BTC/USDT"
    length = "1h"
    def read():
        length = "4h"
        self.dp.get_pair_dataframe(pair_of_mine, length)
    self.dp.get_pair_dataframe(PAIR, length)
    return read()
"""

    assert series_of(tmp_path, method) == ("ADA/USDT@1h", "BTC/USDT@4h")


def test_a_call_without_a_timeframe_reads_that_of_the_class(tmp_path: Path) -> None:
    method = """
def other(self):
    self.dp.get_pair_dataframe(PAIR)
    self.dp.get_pair_dataframe("BTC/USDT", None)
"""

    assert series_of(tmp_path, method, timeframe="15m") == ("ADA/USDT@15m", "BTC/USDT@15m")


def note(folder: Path) -> str | None:
    return note_on_computed(inspect_source(folder, "Wave"), timeframe="5m")


def test_the_lines_that_compute_pair_or_timeframe_are_named(tmp_path: Path) -> None:
    method = """
def populate_indicators(self, dataframe, metadata):
    for length in ("1h", "4h"):
        self.dp.get_pair_dataframe(metadata["pair"], length)
    self.dp.get_pair_dataframe(self.dp.current_whitelist()[0], "1h")
    self.dp.get_pair_dataframe(metadata["pair"], "1h")
    self.dp.get_pair_dataframe(PAIR)
"""
    series_of(tmp_path, method)

    assert note(tmp_path) == (
        "wave.py:11, wave.py:12 ask for candles whose pair or timeframe is computed: name them in "
        "run.informative, such as BTC/USDT@1h, or @1h for every traded pair"
    )


def test_files_that_the_class_does_not_import_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "other.py").write_text("def f(dp, pair): dp.get_pair_dataframe(pair, '1h')")
    (tmp_path / "broken.py").write_text("get_pair_dataframe(")

    assert series_of(tmp_path, "x = 1") == ()
    assert note(tmp_path) is None

    series_of(tmp_path, "from other import f")

    assert str(note(tmp_path)).startswith("other.py:1 asks for candles")

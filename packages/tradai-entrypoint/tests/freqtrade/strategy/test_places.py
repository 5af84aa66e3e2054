from pathlib import Path

import pytest

from tradai.entrypoint.freqtrade._strategy.places import find_method
from tradai.entrypoint.freqtrade._strategy.source import SourceFacts, inspect_source

DEMO = """\
from freqtrade.strategy import IStrategy
from stops import Stops

class Demo(Stops, IStrategy):
    startup_candle_count = 10

    def custom_exit(self):
        raise ValueError("no")
"""
STOPS = """\
class Stops:
    def custom_stoploss(self):
        return 1 / 0
"""


@pytest.fixture
def facts(tmp_path: Path) -> SourceFacts:
    """A strategy with a base class in another file."""
    (tmp_path / "demo.py").write_text(DEMO)
    (tmp_path / "stops.py").write_text(STOPS)
    return inspect_source(tmp_path, "Demo")


@pytest.mark.parametrize(
    ("place", "found"),
    [
        ("Demo.custom_exit:8", "demo.py:8"),
        ("Stops.custom_stoploss:3", "stops.py:3"),
        ("IStrategy.analyze_ticker:1200", "IStrategy.analyze_ticker:1200"),
        ("demo.py:8", "demo.py:8"),
        ("<unavailable>", "<unavailable>"),
    ],
)
def test_a_method_is_found_in_the_file_that_has_it(
    facts: SourceFacts, place: str, found: str
) -> None:
    assert find_method(facts, place) == found


def test_a_method_whose_class_is_in_two_files_stays_as_it_is(facts: SourceFacts) -> None:
    (facts.root / "copy.py").write_text(STOPS)

    both = inspect_source(facts.root, "Demo")

    assert find_method(both, "Stops.custom_stoploss:3") == "Stops.custom_stoploss:3"

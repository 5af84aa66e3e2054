import pytest

from tradai.core import did_you_mean


def test_a_close_name_is_suggested() -> None:
    assert did_you_mean("timefame", ["pairs", "timeframe"]) == "; did you mean 'timeframe'?"


@pytest.mark.parametrize("known", [[], ["pairs", "version"]])
def test_nothing_is_suggested_when_no_name_is_close(known: list[str]) -> None:
    assert did_you_mean("timefame", known) == ""


def test_known_names_can_come_from_any_iterable() -> None:
    assert did_you_mean("timefame", iter({"timeframe": 1})) == "; did you mean 'timeframe'?"

"""A search has parameters in each space, and its workers import what is beside the strategy."""

from pathlib import Path

import pytest

from tradai.core.exceptions import ConfigurationError
from tradai.entrypoint.freqtrade._strategy.search import check_helpers, check_search
from tradai.entrypoint.freqtrade._strategy.source import SourceFacts, inspect_source


def facts(folder: Path, file: str) -> SourceFacts:
    (folder / "wave.py").write_text("class Wave(IStrategy):\n    timeframe = '5m'\n")
    (folder / file).parent.mkdir(exist_ok=True)
    (folder / file).write_text("")
    return inspect_source(folder, "Wave")


@pytest.mark.parametrize("file", ["json.py", "json/__init__.py", "pytest.py"])
def test_a_module_with_the_name_of_an_installed_one_is_refused(tmp_path: Path, file: str) -> None:
    with pytest.raises(ConfigurationError, match="the installed module of that name: rename it"):
        check_helpers(facts(tmp_path, file))


@pytest.mark.parametrize("file", ["indicators.py", "json/blocked.json", "pytest.json"])
def test_other_modules_and_data_are_no_error(tmp_path: Path, file: str) -> None:
    check_helpers(facts(tmp_path, file))


def searched(folder: Path, *parameters: str) -> SourceFacts:
    body = "".join(f"    {parameter}\n" for parameter in ("timeframe = '5m'", *parameters))
    (folder / "wave.py").write_text(f"class Wave(IStrategy):\n{body}")
    return inspect_source(folder, "Wave")


BUY, SELL = "buy_a = IntParameter(1, 9, default=1)", "sell_a = IntParameter(1, 9, default=1)"
PAUSE = "protection_a = IntParameter(1, 9, default=1)"
FIXED = "mood_a = IntParameter(1, 9, default=1, space='mood', optimize=False)"


@pytest.mark.parametrize(
    ("space", "parameters", "lacking", "instead"),
    [
        ("all", (BUY, PAUSE), "sell", "[buy,protection,roi,stoploss,trades,trailing]"),
        ("all", (BUY, SELL), "protection", "[buy,sell,roi,stoploss,trades,trailing]"),
        ("default", (SELL,), "buy", "[sell,roi,stoploss]"),
        ("default", (BUY, SELL, FIXED), "mood", "[buy,sell,roi,stoploss]"),
    ],
)
def test_a_name_of_several_spaces_is_refused_where_one_has_no_parameter(
    tmp_path: Path, space: str, parameters: tuple[str, ...], lacking: str, instead: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check_search(searched(tmp_path, *parameters), [space])

    assert str(caught.value) == (
        f"run.spaces names {space!r}, which includes {lacking!r}, and Wave has no parameter of "
        f"that space to search: set run.spaces={instead}"
    )
    assert caught.value.key == "run.spaces"


def test_a_space_whose_parameters_are_all_fixed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="has no parameter of that space to search"):
        check_search(searched(tmp_path, BUY, FIXED), ["buy", "mood"])


@pytest.mark.parametrize(
    ("space", "parameters"),
    [
        ("all", (BUY, SELL, PAUSE)),
        ("default", (BUY, SELL)),
        ("default", (BUY, SELL, PAUSE.replace("default=1", "default=1, optimize=False"))),
        ("all", (BUY, "mood_a = made_elsewhere()")),
        ("trailing", ()),
    ],
)
def test_a_search_that_the_engine_can_make_is_no_error(
    tmp_path: Path, space: str, parameters: tuple[str, ...]
) -> None:
    check_search(searched(tmp_path, *parameters), [space])

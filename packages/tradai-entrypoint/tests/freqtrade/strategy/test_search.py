"""Worker processes of a hyperopt must import the modules beside the strategy."""

from pathlib import Path

import pytest

from tradai.core.exceptions import ConfigurationError
from tradai.entrypoint.freqtrade._strategy.search import check_helpers
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

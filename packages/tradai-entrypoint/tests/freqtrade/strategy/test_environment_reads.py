"""Reads of environment variables are found in the code that the strategy class uses."""

from pathlib import Path

import pytest

from tradai.entrypoint.freqtrade._strategy.environment_reads import EnvironmentRead
from tradai.entrypoint.freqtrade._strategy.source import inspect_source

WAVE = "class Wave(IStrategy):\n    timeframe = '5m'\n"


def reads(folder: Path, text: str, **files: str) -> tuple[EnvironmentRead, ...]:
    for stem, other in files.items():
        (folder / f"{stem}.py").write_text(other)
    (folder / "wave.py").write_text(f"{text}\n{WAVE}")
    return inspect_source(folder, "Wave").environment


@pytest.mark.parametrize(
    "text",
    [
        "import os; X = os.environ['STOP']",
        "import os; X = os.environ.get('STOP', '1')",
        "import os; X = os.getenv('STOP')",
        "import os as system; X = system.getenv('STOP')",
        "from os import environ; X = environ['STOP']",
        "from os import getenv as read; X = read('STOP')",
        "import os; X = 'STOP' in os.environ",
    ],
)
def test_a_read_is_found_however_it_is_written(tmp_path: Path, text: str) -> None:
    assert reads(tmp_path, text) == (EnvironmentRead("wave.py:1", "STOP"),)


def test_a_name_made_at_run_time_is_left_empty(tmp_path: Path) -> None:
    text = "import os\ndef read(name):\n    return os.getenv(name)"

    assert reads(tmp_path, text) == (EnvironmentRead("wave.py:3", ""),)


@pytest.mark.parametrize(
    "text", ["import os; os.environ['STOP'] = '1'", "X = settings.environ['STOP']", "import os"]
)
def test_other_uses_are_not_reads(tmp_path: Path, text: str) -> None:
    assert reads(tmp_path, text) == ()


def test_only_files_that_the_strategy_imports_count(tmp_path: Path) -> None:
    read = "import os\nX = os.getenv({!r})\n"

    found = reads(
        tmp_path,
        "import near",
        near="from far import X\n" + read.format("NEAR"),
        far=read.format("FAR"),
        unrelated=read.format("UNRELATED"),
    )

    assert {each.name for each in found} == {"NEAR", "FAR"}
    assert EnvironmentRead("near.py:3", "NEAR") in found


def test_a_relative_import_inside_a_package_counts(tmp_path: Path) -> None:
    package = tmp_path / "near"
    (package / "deep").mkdir(parents=True)
    (package / "__init__.py").write_text("import os\nfrom . import one\nX = os.getenv('NEAR')\n")
    (package / "one.py").write_text("from .deep.two import X\n")
    (package / "deep" / "two.py").write_text("from ..three import *\n")
    (package / "three.py").write_text("import os\nX = os.getenv('FAR')\n")

    found = reads(tmp_path, "from near import X")

    assert found == (
        EnvironmentRead("near/__init__.py:3", "NEAR"),
        EnvironmentRead("near/three.py:2", "FAR"),
    )

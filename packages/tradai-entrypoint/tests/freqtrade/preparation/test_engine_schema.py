"""Settings with the engine's names are compared with the schema of the installed engine."""

import sys
from pathlib import Path
from typing import Any

import pytest

from tradai.core import Origin
from tradai.core.exceptions import ConfigurationError
from tradai.entrypoint._process.interrupts import Interrupts
from tradai.entrypoint.freqtrade._engine.install import EngineInstall
from tradai.entrypoint.freqtrade._engine_keys.schema import check_schema

# Refuses each value that is a text.
ANSWERING = """
import json, sys
given = json.load(sys.stdin)
print(json.dumps([
    {"path": [block, name], "text": f"{value!r} is refused", "names": []}
    for block, values in given.items() for name, value in values.items() if isinstance(value, str)
]))
"""


def engine(folder: Path) -> EngineInstall:
    script = folder / "engine.py"
    script.write_text(ANSWERING)
    return EngineInstall(python=(sys.executable, str(script)), version="2026.9", package=folder)


def refusal(folder: Path, settings: dict[str, Any], **origins: Origin) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        check_schema(
            settings,
            {path.replace("__", "."): origin for path, origin in origins.items()},
            engine=engine(folder),
            environ={},
            interrupts=Interrupts(),
        )
    return caught.value


def test_a_value_is_refused_with_the_block_and_the_line_that_it_is_written_in(
    tmp_path: Path,
) -> None:
    settings = {"engine": {"telegram": {}}, "execution": {"order_types": {"entry": "foo"}}}
    origin = Origin(source="wave.yaml", line=7)

    error = refusal(tmp_path, settings, execution__order_types__entry=origin)

    assert error.key == "execution.order_types.entry"
    assert str(error) == (
        "wave.yaml:7: execution.order_types.entry is refused by the engine's schema: "
        "'foo' is refused"
    )

"""The fake engine of the unit tests against the real one: flags and release."""

import json
import subprocess
from pathlib import Path
from runpy import run_path

import pytest

FAKE_ENGINE = (
    Path(__file__).resolve().parents[2]
    / "packages/tradai-entrypoint/tests/freqtrade/fake_engine.py"
)
FLAGS = run_path(str(FAKE_ENGINE))["FLAGS"]
# Prints the flags of every subcommand named on its command line, and the engine's version.
SCRIPT = """
import contextlib, io, json, re, sys
import freqtrade
from freqtrade.commands import Arguments
flags = {"version": freqtrade.__version__}
for subcommand in sys.argv[1:]:
    with contextlib.redirect_stdout(io.StringIO()) as text, contextlib.suppress(SystemExit):
        Arguments([subcommand, "--help"]).get_parsed_arg()
    flags[subcommand] = sorted(set(re.findall(r"--[a-z][a-z-]*", text.getvalue())))
print(json.dumps(flags))
"""


@pytest.fixture(scope="module")
def engine(engine_bin: Path) -> dict[str, list[str]]:
    """The real engine's flags by subcommand."""
    done = subprocess.run(
        [engine_bin / "python", "-c", SCRIPT, *FLAGS], capture_output=True, check=True, text=True
    )
    flags: dict[str, list[str]] = json.loads(done.stdout)
    return flags


@pytest.mark.parametrize("subcommand", list(FLAGS))
def test_the_real_engine_has_every_flag(engine: dict[str, list[str]], subcommand: str) -> None:
    assert FLAGS[subcommand].keys() <= set(engine[subcommand])


def test_the_fake_engine_has_the_version_of_the_installed_one(engine: dict[str, list[str]]) -> None:
    assert engine["version"] == run_path(str(FAKE_ENGINE))["VERSION"]

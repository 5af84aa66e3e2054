"""Types through the facade: type checkers accept correct code and find every planted error."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

GOOD: Final = """
from typing import assert_type

import tradai.core
import tradai.entrypoint
from tradai.common import S3Path, StrategyConfig, StrategyEntrypoint, TradAIError, TradingMode
from tradai.common.base_service import BaseService
from tradai.common.base_settings import BaseSettings
from tradai.common.exceptions import NotFoundError
from tradai.common.protocols import ModeHandler
from tradai.common.strategy_config_loader import Strategy
from tradai.common.types import Version


class Handler:
    def __init__(self, entrypoint: StrategyEntrypoint) -> None:
        self.mode = entrypoint.settings.trading_mode

    def run(self) -> int:
        return 0


def pairs(config: StrategyConfig) -> int:
    assert_type(config.version, Version)
    assert_type(config.pairs[0].base, str)
    return len(config.pairs)


def handler(entrypoint: StrategyEntrypoint) -> ModeHandler:
    return Handler(entrypoint)


strategy = Strategy(name="trend", version="1.0.0")
path: tradai.core.S3Path = S3Path.parse("s3://bucket/key")
service: type[tradai.entrypoint.BaseService[BaseSettings]] = BaseService[BaseSettings]
error: TradAIError = NotFoundError("no run 'x'", kind="run", key="x")
mode: tradai.core.TradingMode = TradingMode.BACKTEST
"""

# Only the lines that end in "planted" must be errors.
BAD: Final = """
import tradai.common
from tradai.common import NotThere  # planted
from tradai.common import NotFoundError, S3Path, StrategyEntrypoint, Timeframe, TradingMode
from tradai.common.entrypoint.base import Missing  # planted
from tradai.common.strategy_config_loader import StrategyConfig

tradai.common.nothing  # planted
S3Path("only-bucket")  # planted
bucket: int = S3Path.parse("s3://bucket/key").bucket  # planted
S3Path.parse("s3://bucket/key").no_such_method()  # planted
TradingMode.PAPER  # planted
NotFoundError("neither kind nor key")  # planted
StrategyEntrypoint.get_handler("backtest")  # planted


def seconds(config: StrategyConfig) -> str:
    return Timeframe(config.timeframe).seconds  # planted
"""


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("consumer")
    (folder / "good.py").write_text(GOOD)
    (folder / "bad.py").write_text(BAD)
    return folder


@pytest.fixture(scope="module")
def mypy_errors(sources: Path, root: Path) -> set[tuple[str, int]]:
    # In the repository, with its settings and its cache: a cold run takes ten times as long.
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *map(str, sorted(sources.glob("*.py")))],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    reported = re.findall(r"(\w+\.py):(\d+): error:", done.stdout)
    assert reported, done.stdout + done.stderr
    return {(file, int(line)) for file, line in reported}


@pytest.fixture(scope="module")
def pyright_errors(sources: Path) -> set[tuple[str, int]]:
    done = subprocess.run(
        [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable, "."],
        cwd=sources,
        capture_output=True,
        text=True,
        check=False,
    )
    reported = json.loads(done.stdout)["generalDiagnostics"]
    return {
        (Path(item["file"]).name, item["range"]["start"]["line"] + 1)
        for item in reported
        if item["severity"] == "error"
    }


def _planted() -> set[tuple[str, int]]:
    lines = enumerate(BAD.splitlines(), start=1)
    return {("bad.py", number) for number, line in lines if line.endswith("# planted")}


def test_mypy_finds_exactly_the_planted_errors(mypy_errors: set[tuple[str, int]]) -> None:
    assert mypy_errors == _planted()


def test_pyright_finds_exactly_the_planted_errors(
    pyright_errors: set[tuple[str, int]],
) -> None:
    assert pyright_errors == _planted()

import json
import os
import pty
import select
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Self, get_args

import pytest
from pydantic import BaseModel

from tradai.core import StrategyConfig
from tradai.entrypoint import Interrupts
from tradai.entrypoint._cli import run_command
from tradai.entrypoint._runs.parameters import RunParameters
from tradai.entrypoint.freqtrade._engine_keys.ownership import ALLOWED, EXCHANGE, FUTURES, SECRETS
from tradai.entrypoint.freqtrade._preparation.engine_options import OPTIONS

# The shells run the installed program, as those of users do.
BIN = Path(sys.executable).parent
KEYS = files("tradai.entrypoint._commands.completion").joinpath("config_keys.txt")
HEAVY = ("pydantic", "pandas", "omegaconf", "rich", "yaml", "asyncio", "boto3")

BACKTEST = "20260101T000000Z-backtest-11111111"
DRY_RUN = "20260202T000000Z-dry-run-22222222"
HYPEROPT = "20260404T000000Z-hyperopt-44444444"
SHELLS = {
    "bash": (["bash", "--norc", "-i"], 'eval "$(tradai-entrypoint completion bash)"'),
    "zsh": (
        ["zsh", "-f", "-i"],
        "autoload -Uz compinit; compinit -u -D; source <(tradai-entrypoint completion zsh)",
    ),
    "fish": (["fish", "--no-config", "-i"], "tradai-entrypoint completion fish | source"),
}
# Completes the line $1, as readline does at a press of Tab, and prints the candidates.
BASH = r"""
source <(printf '%s\n' "$2")
COMP_LINE=$1 COMP_POINT=${#1} COMP_TYPE=9
_python_argcomplete tradai-entrypoint
printf '%s\n' "${COMPREPLY[@]}"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with runs, jobs, a session and a configuration."""
    for run_id, mode in ((BACKTEST, "backtest"), (DRY_RUN, "dry-run")):
        run = tmp_path / ".tradai/runs" / run_id
        run.mkdir(parents=True)
        (run / "manifest.json").write_text(json.dumps({"mode": mode}, indent=2))
    (tmp_path / ".tradai/runs/not-a-run").mkdir()
    (tmp_path / ".tradai/jobs/job-7").mkdir(parents=True)
    (tmp_path / "sessions").mkdir()
    (tmp_path / "sessions/momentum.json").touch()
    (tmp_path / "strategy.yaml").touch()
    (tmp_path / "candles").mkdir()
    return tmp_path


def environment(folder: Path) -> dict[str, str]:
    return {
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "HOME": str(folder),
        "TERM": "xterm",
        "TRADAI_LIVE_SESSIONS": f"file:{folder}/sessions",
    }


@pytest.fixture(scope="module")
def script() -> str:
    """Return the script for bash."""
    command = [str(BIN / "tradai-entrypoint"), "completion", "bash"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def candidates(folder: Path, script: str, line: str) -> set[str]:
    done = subprocess.run(
        ["/bin/bash", "-c", BASH, "bash", f"tradai-entrypoint {line}", script],
        cwd=folder,
        env=environment(folder),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return {word.strip() for word in done.stdout.splitlines() if word.strip()}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("ru", {"run", "runs"}),
        ("runs sh", {"show"}),
        ("runs list --so", {"--sort"}),
        ("runs list --state ", {"done", "failed", "killed", "refused", "running"}),
        ("runs list --mode b", {"backtest", "bias\\ check"}),
        ("run strategy.yaml --mode ", {"backtest", "hyperopt", "train", "dry-run", "live"}),
        ("runs show ", {BACKTEST, DRY_RUN, "latest"}),
        ("run --from 202601", {BACKTEST}),
        ("run --continue ", {DRY_RUN}),
        ("status ", {"momentum", DRY_RUN}),
        ("jobs logs ", {"job-7"}),
        ("run ", {"strategy.yaml", "candles/", "sessions/"}),
        ("run strategy.yaml --data can", {"candles/"}),
        ("run strategy.yaml execution.fe", {"execution.fee="}),
        ("run strategy.yaml --mode backtest execution.fe", {"execution.fee="}),
        ("run strategy.yaml parameters.enable", {"parameters.enable_protections="}),
        ("run strategy.yaml engine.exchange.o", {"engine.exchange.outdated_offset="}),
        ("sweep strategy.yaml --vary run.timer", {"run.timerange="}),
        ("compare strategy.yaml execution.fe", {"execution.fee="}),
        ("sweep strategy.yaml --by e", {"equity_drawdown_percent", "expectancy"}),
        ("completion ", {"bash", "zsh", "fish"}),
        ("runs show --runs /nowhere ", {"latest"}),
        ("run strategy.yaml --timerange ", set()),
    ],
)
def test_a_line_is_completed(folder: Path, script: str, line: str, expected: set[str]) -> None:
    assert candidates(folder, script, line) == expected


def test_runs_of_a_sweep_are_completed_where_the_word_begins_no_other_run(
    folder: Path, script: str
) -> None:
    part = "20260303T000000Z-backtest-33333333"
    run = folder / ".tradai/runs" / part
    run.mkdir()
    facts = {"mode": "backtest", "part_of": "sweep"}
    (run / "manifest.json").write_text(json.dumps(facts, indent=2))

    assert candidates(folder, script, "report ") == {BACKTEST, DRY_RUN, "latest"}
    assert candidates(folder, script, "report 202603") == {part}


@pytest.mark.parametrize("verb", ["list", "show"])
def test_runs_with_epochs_are_completed_for_commands_about_them(
    folder: Path, script: str, verb: str
) -> None:
    run = folder / ".tradai/runs" / HYPEROPT
    run.mkdir()
    (run / "manifest.json").write_text(json.dumps({"mode": "hyperopt"}, indent=2))

    assert candidates(folder, script, f"hyperopt {verb} ") == {HYPEROPT, "latest"}
    assert candidates(folder, script, f"hyperopt {verb} 2026") == {HYPEROPT}
    assert HYPEROPT in candidates(folder, script, "runs show ")


def test_the_help_of_sweep_names_the_figures_and_the_folder(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        run_command(["sweep", "--help"], interrupts=Interrupts())

    said = " ".join(capsys.readouterr().out.split())
    assert "profit_percent, max_drawdown_percent, equity_drawdown_percent, sharpe" in said
    assert "folder of sweeps (default: .tradai/sweeps)" in said


CONFIGURATION = """\
# sell_params: a comment
name: demo
buy_params:
  buy_rsi: 30  # below
  buy_fast: 12
execution:
  fee: 0.001
roi_params: {a: 1}
"""


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("run strategy.yaml buy_", {"buy_params.buy_rsi=", "buy_params.buy_fast="}),
        ("run strategy.yaml buy_params.buy_r", {"buy_params.buy_rsi="}),
        ("sweep strategy.yaml --vary buy_params.buy_f", {"buy_params.buy_fast="}),
        ("compare strategy.yaml buy_params.buy_f", {"buy_params.buy_fast="}),
        ("run strategy.yaml sell_", {"sell_params="}),
        ("run other.yaml buy_", {"buy_params="}),
        ("run strategy.yaml execution.fe", {"execution.fee="}),
    ],
)
def test_hyper_parameters_of_the_named_configuration_are_completed(
    folder: Path, script: str, line: str, expected: set[str]
) -> None:
    (folder / "strategy.yaml").write_text(CONFIGURATION)

    assert candidates(folder, script, line) == expected


def test_a_configuration_that_is_no_text_completes_nothing_of_its_own(
    folder: Path, script: str
) -> None:
    (folder / "strategy.yaml").write_bytes(b"buy_params:\n  \xff: 1\n")

    assert candidates(folder, script, "run strategy.yaml buy_") == {"buy_params="}


@pytest.mark.parametrize("shell", SHELLS)
def test_a_press_of_tab_completes_in_the_shell(folder: Path, shell: str) -> None:
    command, setup = SHELLS[shell]
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    lines = {
        "doct": "doctor",
        "runs show 202602": f"runs show {DRY_RUN}",
        "status mom": "status momentum",
        "run strategy.yaml --mode backtest execution.fe": (
            "run strategy.yaml --mode backtest execution.fee="
        ),
    }

    with _Terminal(command, folder) as terminal:
        terminal.write(f"{setup}\necho rea''dy\n")
        terminal.read_until("ready\r\n")
        for typed in lines:
            # Ctrl-A, `echo` and Ctrl-E make of the completed line one that writes itself.
            terminal.write(f"tradai-entrypoint {typed}\t\x01echo \x05 >> lines; echo do''ne\n")
            terminal.read_until("done\r\n")

    written = (folder / "lines").read_text().splitlines()
    assert written == [f"tradai-entrypoint {line}" for line in lines.values()]


def test_an_answer_imports_nothing_heavy(folder: Path) -> None:
    line = "tradai-entrypoint run strategy.yaml --mode backtest execution.fe"
    code = (
        "import atexit, os, sys; sys.argv = ['tradai-entrypoint']; real = os._exit\n"
        f"show = lambda: print([name for name in {HEAVY!r} if name in sys.modules], flush=True)\n"
        "os._exit = lambda code: (show(), real(code))\n"
        "import argcomplete.finders as finders\n"
        "finders.CompletionFinder.__call__.__defaults__ = tuple(os._exit if each is real else each"
        " for each in finders.CompletionFinder.__call__.__defaults__)\n"
        "from tradai.entrypoint import main; main()\n"
    )
    asked = {"_ARGCOMPLETE": "1", "COMP_LINE": line, "COMP_POINT": str(len(line))}
    answers = folder / "answers"

    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment(folder) | asked | {"_ARGCOMPLETE_STDOUT_FILENAME": str(answers)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert answers.read_text().strip() == "execution.fee="
    assert done.stdout.strip() == "[]", done.stderr


def test_the_keys_are_those_of_the_schemas() -> None:
    blocks = {"parameters": sorted(OPTIONS), "engine": sorted(_engine_keys())}
    expected = [
        *(
            f"{key}.{name}" if name else key
            for key in _keys(StrategyConfig)
            for name in blocks.get(key, [""])
        ),
        *(f"run.{key}" for key in _keys(RunParameters)),
    ]

    assert KEYS.read_text().split() == expected


def _engine_keys() -> Iterator[str]:
    yield from (ALLOWED | FUTURES) - {"exchange", *SECRETS}
    yield from (f"exchange.{name}" for name in EXCHANGE)
    for block, names in SECRETS.items():
        yield from (f"{block}.{name}" for name in ("enabled", *names))


def _keys(model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        models = list(_models(field.annotation))
        yield from (f"{name}.{key}" for each in models for key in _keys(each))
        if not models:
            yield name


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for each in get_args(annotation):
        yield from _models(each)


class _Terminal:
    """A shell in a terminal of its own."""

    def __init__(self, command: list[str], folder: Path) -> None:
        self._main, self._child = pty.openpty()
        # The first terminal that the leader of a session opens becomes that of the session.
        opened = ["/bin/sh", "-c", 'exec "$@" <"$0" >"$0" 2>&1', os.ttyname(self._child), *command]
        self._shell = subprocess.Popen(
            opened, cwd=folder, env=environment(folder), start_new_session=True
        )
        self._text = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._shell.kill()
        self._shell.wait()
        os.close(self._child)
        os.close(self._main)

    def write(self, keys: str) -> None:
        os.write(self._main, keys.encode())

    def read_until(self, text: str) -> None:
        """Read until `text` has come; what came before it is dropped."""
        while text not in self._text:
            assert select.select([self._main], [], [], 30)[0], f"no {text!r} in {self._text!r}"
            self._text += os.read(self._main, 65_536).decode(errors="replace")
        self._text = self._text.partition(text)[2]

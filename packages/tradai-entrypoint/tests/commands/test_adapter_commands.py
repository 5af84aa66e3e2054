"""Commands of adapters are found by entry points; without the adapter one line says what to do."""

import sys
from collections.abc import Callable, Sequence
from importlib.metadata import EntryPoint, EntryPoints

import pytest

from tradai.core.exceptions import NotFoundError
from tradai.entrypoint._cli import run_command
from tradai.entrypoint._process.interrupts import Interrupts

# Through the command line; private because the console script itself ends the process.


def planted(argv: Sequence[str]) -> int:
    """A command of an adapter."""
    if list(argv) == ["absent"]:
        raise NotFoundError("there is no such image", kind="image", key="absent")
    if list(argv) == ["--help"]:
        raise SystemExit(0)
    sys.stdout.write(" ".join(argv) + "\n")
    return 7


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    def run_with(*argv: str, installed: bool = True) -> int:
        point = EntryPoint("image", f"{__name__}:planted", "tradai.commands")
        monkeypatch.setattr(EntryPoint, "load", lambda _: planted)
        found = EntryPoints([point] if installed else [])
        monkeypatch.setattr(
            "tradai.entrypoint._commands.adapter.entry_points",
            lambda *, group, name: found.select(group=group, name=name),
        )
        with Interrupts() as interrupts:
            return run_command(argv, interrupts=interrupts)

    return run_with


def test_the_adapter_gets_its_arguments(
    run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("image", "push", "--repository", "x") == 7
    assert capsys.readouterr().out == "push --repository x\n"


def test_help_and_errors_of_the_adapter_are_those_of_every_command(
    run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("image", "--help") == 0
    assert run("image", "absent") == 65
    assert "there is no such image" in capsys.readouterr().err


def test_without_the_adapter_one_line_says_what_to_install(
    run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("image", "build", installed=False) == 2

    assert capsys.readouterr().err.splitlines() == [
        "tradai-entrypoint: image is a command of tradai-aws[docker]: install it"
    ]

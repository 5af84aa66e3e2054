"""Candles that a command stages for its runs are its own."""

import argparse
from pathlib import Path

from tradai.entrypoint._commands.sweep_plans import own_staging


def test_a_command_that_ends_leaves_the_candles_of_another_one(tmp_path: Path) -> None:
    first = own_staging(argparse.Namespace(argv=["compare", "a.yaml"]), tmp_path)
    other = own_staging(argparse.Namespace(argv=["compare", "b.yaml"]), tmp_path)
    again = own_staging(argparse.Namespace(argv=["compare", "b.yaml"]), tmp_path)
    for staging in (first, other):
        staging.root.mkdir(parents=True, exist_ok=True)

    first.remove()

    assert other.root.is_dir()
    assert again.root == other.root
    assert list(tmp_path.iterdir()) == [other.root]

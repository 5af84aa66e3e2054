"""The engine for one pair after the other, in one process, so that it is imported only once."""

import io
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Final

PAIRS: Final = "--pairs"
_ENDED: Final = "tradai: the engine has ended for "
_SECTION: Final = re.compile(rf"(?P<output>.*?)^{_ENDED}(?P<pair>\S+)$", re.DOTALL | re.MULTILINE)


def run_for_pairs(run: Callable[[list[str]], None], words: list[str]) -> int:
    """Run the engine for each of the pairs that are last in `words`, until it fails for one.

    After each pair it prints a line, by which `sections` finds the output of the pair.

    Args:
        run: Runs the engine with its arguments; the engine ends with `SystemExit`.
        words: Its arguments; ``--pairs`` and the pairs are the last ones.

    Returns:
        The exit code of the engine's last run.
    """
    place = words.index(PAIRS)
    # The engine reads its configuration from the standard input to the end.
    given, code = sys.stdin.read(), 0
    for pair in words[place + 1 :]:
        sys.stdin = io.StringIO(given)
        code = _exit_code(run, [*words[:place], PAIRS, pair])
        if code:
            break
        sys.stdout.write(f"{_ENDED}{pair}\n")
    return code


def sections(output: str) -> Iterator[tuple[str, str]]:
    """Yield each pair for which the engine has ended, and its `output` for that pair."""
    for section in _SECTION.finditer(output):
        yield section["pair"], section["output"]


def _exit_code(run: Callable[[list[str]], None], words: list[str]) -> int:
    try:
        with _plain_cells():
            run(words)
    except SystemExit as exc:
        return exc.code if isinstance(exc.code, int) else int(bool(exc.code))
    return 0


@contextmanager
def _plain_cells() -> Iterator[None]:
    """Print each cell as it is: rich, which draws the engine's tables, drops ``[...]``."""
    # Rich comes with the engine, and is no dependency of ours.
    table: Any = import_module("rich.table").Table
    text: Any = import_module("rich.text").Text
    with_markup = table.add_row

    def add_row(self: object, *cells: object, **options: object) -> None:
        plain = (text(cell) if isinstance(cell, str) else cell for cell in cells)
        with_markup(self, *plain, **options)

    # The engine has no switch for it.
    table.add_row = add_row
    try:
        yield
    finally:
        table.add_row = with_markup

"""Run the examples of one page, given as JSON on standard input, in the working folder.

They share one namespace and one environment, as for a reader who types them in: a variable that a
shell block exports is set in the blocks after it. A block that names a file is written to that file
first. The program runs in the Python whose packages the page is about, and needs no other package.
"""

import ast
import contextlib
import doctest
import io
import json
import os
import subprocess
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any, TypedDict

# The shell prints its environment after this line of its output.
ENVIRONMENT = "-- environment --"


class Example(TypedDict):
    """A block to run, or only to write or compile."""

    page: str
    line: int
    language: str
    text: str
    file: str
    is_run: bool
    is_fresh: bool


class ExampleFailedError(Exception):
    """An example does not do what the page shows."""


def main() -> int:
    """Run every example; print the first failure and return 1."""
    examples: list[Example] = json.load(sys.stdin)
    names: dict[str, Any] = {}
    for example in examples:
        if example["is_fresh"]:
            # A module, in which classes are found by their names, as in a program or a notebook.
            page = sys.modules["page"] = ModuleType("page")
            names = vars(page)
        try:
            run(example, names)
        except Exception:  # noqa: BLE001 - an example may raise anything
            print(f"{example['page']}:{example['line']}: this block fails", file=sys.stderr)
            traceback.print_exc()
            return 1
    return 0


def run(example: Example, names: dict[str, Any]) -> None:
    """Write the file that the example names, and run it."""
    if example["file"]:
        file = Path(example["file"])
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(example["text"], encoding="utf-8")
    if example["language"] == "sh" and example["is_run"]:
        run_shell(example["text"])
    elif example["text"].lstrip().startswith(">>>"):
        run_session(example, names)
    elif example["language"] == "python":
        run_program(example, names)


def run_shell(text: str) -> None:
    """Run shell commands, and keep the variables that they export."""
    script = f"set -euo pipefail\n{text}\necho '{ENVIRONMENT}'\nenv -0"
    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, check=False, timeout=300
    )
    _, _, environment = done.stdout.rpartition(f"{ENVIRONMENT}\n")
    if done.returncode:
        message = f"exit code {done.returncode}\n{done.stdout}{done.stderr}"
        raise ExampleFailedError(message)
    os.environ.clear()
    for name, equals, value in (entry.partition("=") for entry in environment.split("\0")):
        if equals:
            os.environ[name] = value


def run_session(example: Example, names: dict[str, Any]) -> None:
    """Run a session of the interpreter and compare its output."""
    parser = doctest.DocTestParser()
    test = parser.get_doctest(
        example["text"], names, example["page"], example["page"], example["line"] - 1
    )
    if not example["is_run"]:
        return
    report = io.StringIO()
    # Not a copy of the names: classes are found by them, and the next block of the page has them.
    test.globs = names
    result = doctest.DocTestRunner().run(test, out=report.write, clear_globs=False)
    if result.failed:
        raise ExampleFailedError(report.getvalue())


def run_program(example: Example, names: dict[str, Any]) -> None:
    """Compile a program, with the page's line numbers, and run it."""
    tree = ast.increment_lineno(ast.parse(example["text"]), example["line"] - 1)
    code = compile(tree, example["page"], "exec")
    if example["is_run"]:
        with contextlib.redirect_stdout(io.StringIO()):
            # The text comes from the repository.
            exec(code, names)  # noqa: S102


if __name__ == "__main__":
    raise SystemExit(main())

"""Mutation testing: change one place of the code at a time, and see whether a test fails.

    uv run --frozen python scripts/mutate.py packages/tradai-core/src/tradai/core/_redact.py
    uv run --frozen python scripts/mutate.py FOLDER --tests TESTS --sample 40 --seed 7

Prints each survivor: a change that no test noticed, with its place. The changes are made in a copy
of the sources that comes first on the path, so the working tree is never touched. Exits with 0 when
at least `--min-score` percent of the changes were noticed, with 1 when fewer were, and with 2 when
nothing could be tried.
"""

import argparse
import compileall
import math
import multiprocessing
import os
import py_compile
import random
import shutil
import signal
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from multiprocessing.context import BaseContext
from pathlib import Path
from queue import SimpleQueue
from typing import Final

from mutants import Mutant, Mutator, shown

# Added to pytest's exit codes, to tell them from the exit codes of a failed start.
_ENDED: Final = 100
# Asserts are not rewritten, because modules imported before pytest starts could not be.
_OPTIONS: Final = ("--no-cov", "-x", "-q", "-p", "no:cacheprovider", "--assert=plain")


class Trial:
    """Runs the tests of one target once for each change."""

    def __init__(self, args: argparse.Namespace, *, folder: Path) -> None:
        """Copy the source folder of the target into `folder`, once for each job."""
        self._root = _source_root(args.target)
        self._tests = args.tests or mirror(args.target)
        self._loaded = folder / "loaded"
        self._timeout_s: float | None = args.timeout_s
        self._start: BaseContext = multiprocessing.get_context("spawn")
        self._free: SimpleQueue[Path] = SimpleQueue()
        for number in range(args.jobs):
            sources = folder / str(number) / "src"
            shutil.copytree(self._root, sources, ignore=shutil.ignore_patterns("__pycache__"))
            # Two changes can have the same time of modification, but not the same hash.
            mode = py_compile.PycInvalidationMode.CHECKED_HASH
            compileall.compile_dir(sources, quiet=2, invalidation_mode=mode)
            self._free.put(sources)

    def check(self, file: Path) -> str | None:
        """Return the reason to try nothing; None when the tests pass and import `file`."""
        started = time.monotonic()
        if self.is_noticed(file, file.read_bytes()):
            return "the tests fail without any change: fix them first"
        # A change can make everything slower, and the machine can become busy.
        self._timeout_s = self._timeout_s or 15 + 3 * (time.monotonic() - started)
        # Imports take most of a short run: import the libraries once, then fork.
        forkserver = multiprocessing.get_context("forkserver")
        forkserver.set_forkserver_preload(self._loaded.read_text().split())
        self._start = forkserver
        if not self.is_noticed(file, b"raise SystemError\n"):
            return f"the tests never import {shown(file)}: choose other tests with --tests"
        return None

    def is_noticed(self, file: Path, source: bytes) -> bool:
        """Return whether a test fails, or hangs, when `file` is `source`."""
        sources = self._free.get()
        changed = sources / file.relative_to(self._root)
        before = changed.read_bytes()
        changed.write_bytes(source)
        try:
            return self._run(sources) != _ENDED
        finally:
            changed.write_bytes(before)
            self._free.put(sources)

    def _run(self, sources: Path) -> int:
        """Return the exit code of the tests; negative when a signal ended them."""
        # The type stubs declare `Process` for another context only.
        tests = self._start.Process(  # type: ignore[attr-defined]
            target=_run_tests, args=[self._tests, sources, self._loaded, self._timeout_s]
        )
        tests.start()
        tests.join(self._timeout_s)
        # This also ends processes that the tests left; all may have ended already.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(tests.pid, signal.SIGKILL)
        tests.join()
        code: int = tests.exitcode
        if 0 <= code < _ENDED:
            raise RuntimeError(f"the tests could not be started: exit code {code}")
        return code


def _run_tests(tests: Sequence[str], sources: Path, loaded: Path, timeout_s: float | None) -> None:
    """Run `tests` on the copy `sources` in this process, and end it with their exit code."""
    os.setsid()
    # The alarm ends the tests even when this script has died.
    signal.alarm(math.ceil(timeout_s or 0))
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(sources))
    os.environ |= {"PYTHONPATH": str(sources), "PYTHONDONTWRITEBYTECODE": "1"}
    for descriptor in (1, 2):
        os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)
    import pytest

    code = int(pytest.main([*_OPTIONS, *tests]))
    if not loaded.exists():
        loaded.write_text(" ".join(_installed_modules()))
    os._exit(_ENDED + code)


def _installed_modules() -> Iterator[str]:
    """Yield the imported modules of libraries, without the code under test and the tests."""
    libraries = (sysconfig.get_path("purelib"), sysconfig.get_path("stdlib"))
    for name, module in list(sys.modules.items()):
        is_installed = str(getattr(module, "__file__", None)).startswith(libraries)
        # Hypothesis's plugin, if imported before pytest, would wait for pytest to start.
        if is_installed and not name.startswith("_hypothesis") and "__" not in name:
            yield name


def main() -> int:
    """Try the changes and print the survivors."""
    args = _arguments()
    files = sorted(args.target.rglob("*.py")) if args.target.is_dir() else [args.target]
    mutants = [mutant for file in files for mutant in Mutator(file).mutants()]
    if args.sample is not None and args.sample < len(mutants):
        # The choice of changes is not a secret.
        chosen = random.Random(args.seed).sample(range(len(mutants)), args.sample)  # noqa: S311
        mutants = [mutants[index] for index in sorted(chosen)]
    if not mutants:
        return _refused(f"{shown(args.target)} has nothing to change")
    if args.list:
        print(*mutants, sep="\n")
        return 0
    with tempfile.TemporaryDirectory(prefix="mutate-") as folder:
        trial = Trial(args, folder=Path(folder))
        problem = trial.check(mutants[0].file)
        return _refused(problem) if problem else _try(mutants, trial, args)


def _try(mutants: Sequence[Mutant], trial: Trial, args: argparse.Namespace) -> int:
    survivors = 0
    with ThreadPoolExecutor(args.jobs) as pool:
        tried = pool.map(lambda mutant: trial.is_noticed(mutant.file, mutant.source), mutants)
        for mutant, noticed in zip(mutants, tried, strict=True):
            if not noticed:
                survivors += 1
                print(f"survived  {mutant}", flush=True)
    score = 100 * (1 - survivors / len(mutants))
    print(f"{len(mutants)} changes, {survivors} survived: {score:.0f} % noticed")
    return 0 if score >= args.min_score else 1


def mirror(target: Path) -> list[str]:
    """Return the tests of `target`: the file or folder that mirrors it, or its nearest parent."""
    root = _source_root(target)
    names = [name.removeprefix("_") for name in target.relative_to(root).with_suffix("").parts]
    tests = root.parent / "tests"
    # The first two parts are the name of the distribution, which its tests do not repeat.
    for count in range(len(names), 2, -1):
        folder = tests.joinpath(*names[2:count])
        for tests_path in (folder, folder.with_name(f"test_{folder.name}.py")):
            if tests_path.exists():
                return [str(tests_path)]
    return [str(tests)]


def _source_root(target: Path) -> Path:
    """Return the folder ``src`` above `target`."""
    return next((parent for parent in target.parents if parent.name == "src"), target.parent)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Change the code in one place at a time; print changes that no test notices."
    )
    parser.add_argument("target", type=Path, help="a file or folder below a folder src")
    parser.add_argument(
        "--tests", action="append", metavar="PATH", help="default: the tests that mirror the target"
    )
    parser.add_argument("--sample", type=int, metavar="N", help="number of changes to try")
    parser.add_argument("--seed", type=int, default=1, help="chooses the sample (default: 1)")
    parser.add_argument("--min-score", type=float, default=100, metavar="PERCENT")
    parser.add_argument("--timeout-s", type=float, help="default: from a run without a change")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--list", action="store_true", help="print the changes, try none")
    args = parser.parse_args()
    if not args.target.exists():
        parser.error(f"there is no {args.target}")
    args.target = args.target.resolve()
    return args


def _refused(problem: str) -> int:
    print(f"scripts/mutate.py: {problem}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())

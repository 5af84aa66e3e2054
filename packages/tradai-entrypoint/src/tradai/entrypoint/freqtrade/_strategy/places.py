"""Find the file of a method that the engine's log names by its class alone."""

import ast

from tradai.entrypoint.freqtrade._strategy.source import SourceFacts


def find_method(facts: SourceFacts, place: str) -> str:
    """Return ``file.py:12`` for a `place` such as ``Class.callback:12`` in the source.

    A place that is not in the source, or is in two of its files, is returned as it is.
    """
    name, _, line = place.rpartition(":")
    if not line.isdecimal():
        return place
    files = [
        file
        for file in facts.files
        if _has_method((facts.root / file).read_bytes(), name, int(line))
    ]
    return f"{files[0]}:{line}" if len(files) == 1 else place


def _has_method(source: bytes, name: str, line: int) -> bool:
    """Return whether the method `name` in `source` spans `line`."""
    return any(
        f"{owner.name}.{method.name}" == name and method.lineno <= line <= (method.end_lineno or 0)
        for owner in ast.walk(ast.parse(source))
        if isinstance(owner, ast.ClassDef)
        for method in owner.body
        if isinstance(method, ast.FunctionDef)
    )

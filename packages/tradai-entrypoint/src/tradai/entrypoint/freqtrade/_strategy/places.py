"""Sentences and places of faults in a strategy's source."""

from tradai.entrypoint.freqtrade._strategy.source import SourceFacts


def find_method(facts: SourceFacts, place: str) -> str:
    """Return ``file.py:12`` for a `place` such as ``Class.callback:12`` in the source.

    A place of another form, or whose class is not in exactly one file, is returned as it is.
    """
    name, _, line = place.rpartition(":")
    files = () if name.endswith(".py") else facts.classes.get(name.partition(".")[0], ())
    return f"{files[0]}:{line}" if len(files) == 1 else place


def missing_module(name: str, place: str) -> str:
    """Return a sentence on the line at `place`, which imports a module that is missing."""
    return (
        f"{place} imports {name}, which is neither beside the strategy nor installed beside the "
        "engine: install it there, or put it beside the strategy"
    )

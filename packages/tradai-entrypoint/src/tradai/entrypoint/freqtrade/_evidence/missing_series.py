"""Series that the engine was asked for and did not find, and what to do about them."""

import json
from collections.abc import Iterator
from typing import Final

from tradai.core.exceptions import ValidationError
from tradai.entrypoint.freqtrade._candles.series import unavailable
from tradai.entrypoint.freqtrade._evidence.evidence import EngineEvidence

_ADD: Final = "add them to run.informative (@1h stands for that timeframe of every pair)"


def missing_series(evidence: EngineEvidence) -> list[str]:
    """Return the missing series, as run parameters name them, and what to do about them."""
    advised: dict[str, list[str]] = {}
    for name, problem in _missing(evidence):
        advised.setdefault(problem or _ADD, []).append(name)
    # First those that can be added.
    ordered = sorted(advised.items(), key=lambda item: item[0] != _ADD)
    said = [f"{', '.join(series)}: {advice}" for advice, series in ordered]
    or_else = "name in run.without those that the strategy can do without"
    return ["; ".join([*said, or_else])] if said else []


def line_to_add(evidence: EngineEvidence) -> str:
    """Return the end of a sentence with the line that adds those that can be; empty without one.

    A timeframe that all traded pairs lack is named once for all of them.
    """
    names = [name for name, problem in _missing(evidence) if problem is None]
    if not names:
        return ""
    lacking: dict[str, set[str]] = {}
    for pair, _, timeframe in (name.partition("@") for name in names):
        lacking.setdefault(timeframe, set()).add(pair)
    traded = set(evidence.traded)
    by_all = [each for each, pairs in lacking.items() if traded and traded <= pairs]
    shared = {f"{pair}@{each}" for each in by_all for pair in traded}
    rest = [name for name in names if name not in shared]
    series = [*evidence.informative, *(f"@{each}" for each in by_all), *rest]
    return f"; to add all of them, write under run: informative: {json.dumps(series)}"


def _missing(evidence: EngineEvidence) -> Iterator[tuple[str, str | None]]:
    """Yield each missing series, and why there can be no candles of it, if so."""
    has_contracts = bool(evidence.contract_data)
    for pair, _, timeframe in (name.rpartition(" ") for name in evidence.missing):
        try:
            problem = unavailable(pair, has_contracts=has_contracts)
        except ValidationError as exc:
            problem = str(exc)
        yield f"{pair}@{timeframe}", problem

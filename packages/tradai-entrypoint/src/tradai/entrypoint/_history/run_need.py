"""Kinds of needed runs, which `runs prune` leaves; importing this imports no manifest."""

from enum import StrEnum
from typing import final


@final
class RunNeed(StrEnum):
    """Reason why an old run stays, unless `runs prune --also KIND` names it."""

    OPEN_TRADES = "open-trades"
    REFERENCES = "references"
    BIAS_CHECKS = "bias-checks"
    PAGES = "pages"
    KILLED = "killed"

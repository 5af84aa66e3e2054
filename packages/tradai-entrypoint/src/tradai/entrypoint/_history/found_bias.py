"""Bias that was found in the source of listed runs.

This module needs no pydantic: importing that takes longer than reading thousands of manifests.
"""

from dataclasses import replace

from tradai.entrypoint._history.run_listing import RunListing, RunSummary
from tradai.entrypoint._runs._bias.last_checks import FOUND, last_checks


def with_found_bias(listing: RunListing) -> RunListing:
    """Return `listing` with the analysis that found bias in the source of a run, where one did.

    It is the one of `bias_check_of`, among the listed runs.
    """
    checks = sorted(filter(_is_check, listing.runs), key=lambda run: run.run_id, reverse=True)
    counted = last_checks(checks, lambda run: (run.source, run.config_id, run.bias))
    found: dict[str | None, str] = {}
    for check in counted:
        if check.bias == FOUND and check.source:
            found.setdefault(check.source, check.run_id)
    runs = [
        run if run.source not in found or run.is_bias_check else _marked(run, found[run.source])
        for run in listing.runs
    ]
    return replace(listing, runs=runs)


def _is_check(run: RunSummary) -> bool:
    return run.is_bias_check


def _marked(run: RunSummary, check: str) -> RunSummary:
    return replace(run, biased_by=check)

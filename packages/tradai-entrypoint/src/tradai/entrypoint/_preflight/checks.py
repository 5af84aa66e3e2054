"""Run checks on facts, each under a time limit, together with those of plug-ins."""

import queue
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint, entry_points
from typing import Final, TypeAlias, final

from tradai.core import redact
from tradai.core.exceptions import ConfigurationError, TradAIError
from tradai.entrypoint._live.check_table import NOT_RUN
from tradai.entrypoint._preflight.facts import PreflightFacts
from tradai.entrypoint._process.checks import CheckRow, CheckStatus
from tradai.entrypoint._report.formatting import counted

PREFLIGHT_GROUP: Final = "tradai.preflight"
_TIMEOUT_S: Final = 10.0


@final
@dataclass(frozen=True, slots=True)
class Warned:
    """The detail of a check that passed with a warning."""

    detail: str


CheckFunction: TypeAlias = Callable[[PreflightFacts], str | Warned]
"""Returns the detail of its row, or raises an error of ours whose sentence says what to do."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class PreflightCheck:
    """A check by its name.

    Attributes:
        name: Its name, which no other check has.
        run: The check; it sends nothing and writes nothing.
        command: Command that a person types to mend what it found.
    """

    name: str
    run: CheckFunction
    command: str


def plugin_checks() -> tuple[PreflightCheck, ...]:
    """Return the checks of the entry points `tradai.preflight`, in order of their names.

    A plug-in is loaded by its check: one that cannot be loaded is a check that fails.
    """
    points = sorted(set(entry_points(group=PREFLIGHT_GROUP)), key=lambda each: each.name)
    return tuple(_plugin_check(point) for point in points)


def require_own_names(checks: Iterable[PreflightCheck]) -> tuple[PreflightCheck, ...]:
    """Return `checks`, each of which has a name of its own.

    Raises:
        ConfigurationError: Two checks have one name.
    """
    by_name: defaultdict[str, list[PreflightCheck]] = defaultdict(list)
    for check in checks:
        by_name[check.name].append(check)
    for name, found in by_name.items():
        if len(found) > 1:
            message = (
                f"{len(found)} checks of the preflight are called {name!r}: uninstall all but one "
                f"of the distributions that name it in {PREFLIGHT_GROUP}, or rename one"
            )
            raise ConfigurationError(message, key=PREFLIGHT_GROUP)
    return tuple(check for (check,) in by_name.values())


def run_checks(
    checks: Sequence[PreflightCheck],
    facts: PreflightFacts,
    *,
    timeout_s: float = _TIMEOUT_S,
    keep: Callable[[], None] = lambda: None,
) -> tuple[CheckRow, ...]:
    """Run `checks` one after the other, all of them, and return a row for each.

    A check that is late is left behind in its thread, which does not keep the process alive.

    Args:
        checks: Checks to run.
        facts: Facts that they judge.
        timeout_s: Seconds that each of them may take.
        keep: Called before each of them; its errors end the work.
    """
    rows: list[CheckRow] = []
    for check in checks:
        keep()
        rows.append(_row(check, facts, timeout_s))
    return tuple(rows)


def _row(check: PreflightCheck, facts: PreflightFacts, timeout_s: float) -> CheckRow:
    rows: queue.SimpleQueue[CheckRow] = queue.SimpleQueue()
    thread = threading.Thread(
        target=lambda: rows.put(_judge(check, facts)), name=f"check {check.name}", daemon=True
    )
    thread.start()
    try:
        return rows.get(timeout=timeout_s)
    except queue.Empty:
        detail = f"it did not end within {timeout_s:g} s: look why, and start again"
        return CheckRow(name=check.name, status=CheckStatus.TIMEOUT, detail=detail)


def _judge(check: PreflightCheck, facts: PreflightFacts) -> CheckRow:
    try:
        result = check.run(facts)
    except TradAIError as exc:
        return CheckRow.failed(check.name, exc)
    # A plug-in may raise anything, also SystemExit: all of it means that nothing was checked.
    except BaseException as exc:  # noqa: BLE001
        return _defect(check, f"it raised {type(exc).__name__}: {exc}")
    match result:
        case str():
            return CheckRow(name=check.name, status=CheckStatus.OK, detail=redact(result))
        case Warned():
            detail = redact(result.detail)
            return CheckRow(name=check.name, status=CheckStatus.WARN, detail=detail)
    return _defect(check, f"it returned {type(result).__name__}: expected a text")


def _defect(check: PreflightCheck, problem: str) -> CheckRow:
    detail = redact(f"{problem}; mend the check, or uninstall it")
    return CheckRow(name=check.name, status=CheckStatus.RAISES, detail=detail)


def _plugin_check(point: EntryPoint) -> PreflightCheck:
    def run(facts: PreflightFacts) -> str | Warned:
        return _loaded(point)(facts)

    origin = point.dist.name if point.dist else point.value
    return PreflightCheck(name=point.name, run=run, command=f"see the manual of {origin}")


def _loaded(point: EntryPoint) -> CheckFunction:
    try:
        check: CheckFunction = point.load()
    except (ImportError, AttributeError) as exc:
        message = (
            f"the check {point.name!r}, {point.value}, cannot be loaded ({exc}): install the "
            "distribution again, or uninstall it"
        )
        raise ConfigurationError(message, key=PREFLIGHT_GROUP) from exc
    return check


def open_items(
    checks: Sequence[PreflightCheck], refused: Iterable[CheckRow]
) -> Iterator[tuple[CheckRow, str]]:
    """Yield each row that keeps a session from starting, with the command that mends it.

    Checks that were not run are one row: they wait for the facts, and have nothing to mend.
    """
    commands = {check.name: check.command for check in checks}
    waiting: list[CheckRow] = []
    for row in refused:
        if row.detail == NOT_RUN:
            waiting.append(row)
        else:
            yield row, commands.get(row.name, "")
    if waiting:
        detail = f"{counted(len(waiting), 'check')} not run, waiting for the session facts above"
        yield replace(waiting[0], name="preflight", detail=detail), ""

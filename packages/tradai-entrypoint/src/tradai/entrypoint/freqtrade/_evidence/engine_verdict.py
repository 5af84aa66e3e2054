"""The verdict on an engine that ended, from its exit and its output.

The engine's exit code alone proves nothing: it is 0 after a configuration error, after an unknown
argument, and after a hyperopt that was interrupted.
"""

import re
from signal import SIGINT, SIGKILL, SIGTERM, Signals
from typing import Final

from tradai.core import redact
from tradai.entrypoint._process.exit_codes import ExitCode, Verdict
from tradai.entrypoint._process.interrupts import stop_signal
from tradai.entrypoint.freqtrade._engine.exits import EngineExit
from tradai.entrypoint.freqtrade._evidence.evidence import EngineEvidence
from tradai.entrypoint.freqtrade._evidence.missing_series import line_to_add, missing_series
from tradai.entrypoint.freqtrade._strategy.places import missing_module

# Signals that tradai sends, and the engine's exit code after one of them.
_OUR_SIGNALS: Final = frozenset({SIGINT, SIGKILL, SIGTERM})
_STOPPED: Final = 130
# The bot's state while it reads its configuration again, which it had once, by standard input.
_RELOADS: Final = "RELOAD_CONFIG"


def judge(ended: EngineExit, evidence: EngineEvidence, *, result_present: bool) -> Verdict:
    """Return the verdict on an engine that `ended`.

    Args:
        ended: Its exit.
        evidence: Facts from its output.
        result_present: Whether it left the file that proves its work.
    """
    if ended.storage_error is not None:
        return _verdict(ExitCode.RESULT, f"the engine was stopped: {ended.storage_error}")
    if ended.interrupted_by is not None:
        return _interrupted(ended, ended.interrupted_by, evidence)
    incomplete = _incomplete(evidence)
    return (
        _refused(evidence)
        # A crash over missing candles is the candles' fault; a bot crashes for other reasons, too.
        or (None if evidence.has_run else incomplete)
        or _gave_up(evidence)
        or _broke_off(ended, evidence)
        or incomplete
        or _doubtful(evidence, result_present=result_present)
        or _killed(ended, evidence, "it was asked to stop")
        or _verdict(ExitCode.DONE, "the engine finished its work")
    )


def _interrupted(ended: EngineExit, number: int, evidence: EngineEvidence) -> Verdict:
    """Return the verdict on an engine that a signal met, which may have failed by itself before."""
    name = Signals(number).name
    if not evidence.has_run:
        # The workers of an interrupted engine raise too, but not in the strategy.
        is_own = evidence.exception_place is not None
        failed = _refused(evidence) or (_gave_up(evidence) if is_own else None)
        return failed or _verdict(
            ExitCode(128 + stop_signal(number)),
            f"{name} ended the engine before its work was done",
        )
    failed = _refused(evidence) or _gave_up(evidence) or _failed_to_stop(ended, evidence)
    if failed is not None:
        return failed
    late = "; it was killed because it did not end in time" if ended.signal == SIGKILL else ""
    stopped = _verdict(ExitCode.DONE, f"the engine stopped on request ({name}){late}")
    return _killed(ended, evidence, name) or stopped


def _killed(ended: EngineExit, evidence: EngineEvidence, event: str) -> Verdict | None:
    """Return the verdict when a bot that had to stop after `event` was killed while it traded."""
    is_killed = ended.asked_to_stop and ended.signal == SIGKILL
    # One that said that it stopped trading was killed while it went on training, for instance.
    if not (is_killed and evidence.has_run) or evidence.is_stopped:
        return None
    return _verdict(
        ExitCode.MISMATCH,
        f"after {event} the engine did not stop in time and was killed: look at its orders "
        "before it runs again",
    )


def _refused(evidence: EngineEvidence) -> Verdict | None:
    """Return the verdict when the engine refused what it was given, or the disk refused it."""
    if evidence.disk_error is not None:
        return _verdict(
            ExitCode.RESULT,
            f"the disk refused the engine ({evidence.disk_error}): free some space and run again",
        )
    if evidence.configuration_error is not None:
        return _verdict(
            ExitCode.CONFIGURATION,
            f"the engine refused its configuration: {evidence.configuration_error}; change the "
            "strategy configuration",
        )
    if evidence.usage_error is not None:
        return _verdict(
            ExitCode.CONFIGURATION,
            f"the engine refused its command line: {evidence.usage_error}; change the run "
            "parameters, or install a version of the engine that this tradai knows",
        )
    return None


def _incomplete(evidence: EngineEvidence) -> Verdict | None:
    """Return the verdict when the engine was given less than was asked for."""
    if evidence.wanted_startup is not None:
        return _verdict(
            ExitCode.CONFIGURATION,
            f"the strategy wants {evidence.wanted_startup} candles before it trades, which its "
            f"source does not state, and {evidence.startup_candles} were laid out: set "
            f"run.startup_candles={evidence.wanted_startup}",
        )
    more = ""
    if evidence.exception is not None:
        where = f" at {evidence.exception_place}" if evidence.exception_place else ""
        more = f"; it crashed then ({evidence.exception}{where}), so more may be missing"
    missing = missing_series(evidence)
    # A bot tries to train again, for as long as it runs.
    untrained = [] if evidence.has_run else evidence.untrained
    for items, code, problem in (
        (evidence.dropped, ExitCode.DATA, _DROPPED + _REMEDY[evidence.asks_exchange]),
        (
            evidence.undownloaded,
            ExitCode.RESULT,
            "candles could not be downloaded of {}: download again",
        ),
        (missing, ExitCode.DATA, "candles were asked for and missing, {}"),
        (untrained, ExitCode.DATA, "a model could not be trained: {} Provide more candles."),
    ):
        if items:
            line = line_to_add(evidence) if items is missing else ""
            return _verdict(code, problem.format(", ".join(items)) + more + line)
    return None


_DROPPED: Final = "the engine left out {}, which the exchange does not offer: "
_REMEDY: Final = {
    True: "remove it from pairs",
    False: "remove it, or capture the market rules again",
}


def _gave_up(evidence: EngineEvidence) -> Verdict | None:
    """Return the verdict when the engine said why it ended."""
    if evidence.exception is not None:
        return _crash(evidence.exception, evidence)
    return None if evidence.refusal is None else _refusal(evidence.refusal, evidence)


def _crash(exception: str, evidence: EngineEvidence) -> Verdict:
    place = evidence.exception_place
    if evidence.state == _RELOADS:
        return _verdict(
            ExitCode.CRASHED,
            "the engine ended because it was asked over its own API to load its configuration "
            "again, and that of a run never changes: start the bot again",
        )
    if evidence.was_loading:
        where = f" at {place}" if place else ""
        return _verdict(
            ExitCode.CONFIGURATION,
            f"the strategy cannot be loaded, it raised {exception}{where}: correct its source",
        )
    if place is not None:
        return _verdict(
            ExitCode.CRASHED, f"the strategy raised {exception} at {place}: correct it there"
        )
    if evidence.has_bad_leverage:
        return _verdict(
            ExitCode.CRASHED,
            "leverage() of the strategy returned something that is not a number, and the engine "
            f"raised {exception}: correct it there",
        )
    return _verdict(
        ExitCode.CRASHED, f"the engine crashed with {exception}: its log has the traceback"
    )


def _refusal(text: str, evidence: EngineEvidence) -> Verdict:
    missing = _NO_MODULE.match(evidence.unimportable or "")
    if missing is not None and (place := evidence.imports.get(missing["name"])) is not None:
        return _verdict(ExitCode.CONFIGURATION, missing_module(missing["name"], place))
    text = _ABOVE.sub("", text)
    for pattern, exit_code, advice in _REFUSALS:
        if pattern.match(text):
            why = f" ({evidence.unimportable})" if evidence.unimportable else ""
            return _verdict(exit_code, f"the engine gave up: {text}{why} {advice}")
    return _verdict(
        ExitCode.CONFIGURATION, f"the engine gave up: {text} Change the configuration or the run."
    )


_NO_MODULE: Final = re.compile(r"No module named '(?P<name>\w+)")
# Above it in the engine's log, which a verdict does not show.
_ABOVE: Final = re.compile(r" Please investigate the above error[^.]*\.")
_UNREACHABLE: Final = (
    "Could not load markets|Markets were not loaded"
    "|.*(ExchangeNotAvailable|RequestTimeout|Too Many Requests)"
)
_NO_PAIR: Final = (
    "The engine's log says why it left the pairs out; capture the market rules again, or make them "
    "again where they were made."
)
_REFUSALS: Final = tuple(
    (re.compile(pattern), exit_code, advice)
    for pattern, exit_code, advice in (
        ("Impossible to load Strategy", ExitCode.CONFIGURATION, "Correct the strategy source."),
        (
            "Impossible to load",
            ExitCode.CONFIGURATION,
            "Correct the name in the run parameters, or put its file beside the strategy.",
        ),
        (_UNREACHABLE, ExitCode.UNAVAILABLE, "Try again when the exchange answers."),
        ("No data", ExitCode.DATA, "Provide the candles of the range, or choose another range."),
        ("No pair in whitelist", ExitCode.DATA, _NO_PAIR),
    )
)


def _broke_off(ended: EngineExit, evidence: EngineEvidence) -> Verdict | None:
    """Return the verdict when the engine ended without a report."""
    if ended.timed_out and evidence.taken_port is not None:
        return _verdict(
            ExitCode.START_DEADLINE,
            f"another program took port {evidence.taken_port} of this machine, which the engine's "
            "API was to have, so the engine cannot start: run again, which takes another port",
        )
    if ended.timed_out:
        return _verdict(
            ExitCode.START_DEADLINE,
            f"the engine had not started after {ended.seconds:.0f} s and was stopped: raise "
            "run.start_deadline_s, or look into its log",
        )
    if ended.asked_to_stop:
        # The reason for our stop is in the evidence.
        return _failed_to_stop(ended, evidence) if evidence.has_run else None
    return _failed(ended, evidence)


def _failed_to_stop(ended: EngineExit, evidence: EngineEvidence) -> Verdict | None:
    """Return the verdict when a bot that had to stop ended in another way."""
    is_ours = ended.signal in _OUR_SIGNALS or ended.return_code == _STOPPED
    return None if is_ours else _failed(ended, evidence)


def _failed(ended: EngineExit, evidence: EngineEvidence) -> Verdict | None:
    if ended.signal is not None:
        hint = " (out of memory?)" if ended.signal == SIGKILL else ""
        name = Signals(ended.signal).name
        return _verdict(
            ExitCode.CRASHED, f"the engine was ended by {name}, which tradai did not send{hint}"
        )
    if ended.return_code != 0:
        return _verdict(
            ExitCode.CRASHED,
            f"the engine failed with exit code {ended.return_code}: {evidence.last_error}; its log "
            "has more",
        )
    return None


def _doubtful(evidence: EngineEvidence, *, result_present: bool) -> Verdict | None:
    """Return the verdict when the engine reported success and cannot have had it."""
    if evidence.fixed:
        return _verdict(
            ExitCode.CONFIGURATION,
            f"{', '.join(evidence.fixed)} cannot be searched: the strategy reads the value while "
            "it computes indicators, which the engine does once for all epochs; set "
            "parameters.analyze_per_epoch to true, or compute one column per value of `.range`",
        )
    if not result_present:
        return _verdict(
            ExitCode.RESULT,
            f"the engine ended without a result: {evidence.last_error}; its log has more",
        )
    if evidence.has_bad_parameters:
        return _verdict(
            ExitCode.CONFIGURATION,
            "the engine could not read the parameter file and ran with defaults: correct "
            "buy_params, sell_params (and so on for each space)",
        )
    return None


def _verdict(exit_code: ExitCode, sentence: str) -> Verdict:
    return Verdict(exit_code=exit_code, sentence=redact(sentence))

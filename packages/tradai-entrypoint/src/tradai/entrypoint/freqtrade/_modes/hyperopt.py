"""HYPEROPT: search parameters; keep the epochs and a patch with the best parameters."""

from collections.abc import Callable, Collection
from contextlib import nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import Final, final

from tradai.core import JsonValue
from tradai.core.exceptions import ConfigurationError, StorageError
from tradai.entrypoint._process.exit_codes import ExitCode, Verdict
from tradai.entrypoint._process.progress import Progress
from tradai.entrypoint._report.formatting import counted
from tradai.entrypoint._runs.context import RunContext
from tradai.entrypoint._runs.tracked_facts import RunPart
from tradai.entrypoint._store.names import EPOCHS_NAME
from tradai.entrypoint.freqtrade._engine.exits import EngineExit
from tradai.entrypoint.freqtrade._modes.handler import BatchHandler
from tradai.entrypoint.freqtrade._pages.epochs_page import epochs_parts, few_trades_warning, rank
from tradai.entrypoint.freqtrade._pages.importance import importances
from tradai.entrypoint.freqtrade._preparation.prepare import EngineJob
from tradai.entrypoint.freqtrade._results.best_patch import check_patch, config_patch, patch_text
from tradai.entrypoint.freqtrade._results.collected import newest_epochs
from tradai.entrypoint.freqtrade._results.epochs import Epoch, EpochProgress, read_epochs

_PATCH_NAME: Final = "best.yaml"
_SHOWN: Final = 5
_MILESTONES: Final = 10
# The engine's name in its results for a space that it calls otherwise on its command line.
_IN_DETAILS: Final = {"trades": "max_open_trades"}
_SEVERAL: Final = ("all", "default")


@final
class HyperoptHandler(BatchHandler):
    """Runs the engine's hyperopt and records the best epochs."""

    result = EPOCHS_NAME

    def _display(self, job: EngineJob, context: RunContext) -> Callable[[], None]:
        return partial(
            show_epochs,
            EpochProgress(lambda: newest_epochs(job.user_data)),
            total=job.parameters.epochs,
            progress=context.progress,
        )

    def _judge(self, ended: EngineExit, job: EngineJob, context: RunContext) -> Verdict:
        verdict = super()._judge(ended, job, context)
        if not verdict.is_success or job.evidence.stops_early:
            return verdict
        tried = (context.folder.path / EPOCHS_NAME).read_bytes().count(b"\n")
        wanted = job.parameters.epochs
        if tried + job.evidence.skipped_epochs >= wanted:
            return verdict
        return Verdict(
            exit_code=ExitCode.CRASHED,
            sentence=f"the engine ended after {tried} of {wanted} epochs and did not say why, as "
            "when a strategy calls sys.exit(); its log has more",
        )

    def _record(self, job: EngineJob, context: RunContext, verdict: Verdict) -> Verdict:
        stored = context.folder.path / EPOCHS_NAME
        try:
            every = read_epochs(stored) if stored.exists() else []
        except StorageError:
            if verdict.is_success:
                raise
            return verdict
        epochs = rank(every)
        context.report = epochs_parts(every)
        if epochs:
            _warn(epochs[0], context)
            context.record.results |= _figures(epochs)
            context.parts = tuple(map(_part, epochs))
            with nullcontext() if verdict.is_success else suppress(StorageError):
                _write_patch(epochs[0], job, context)
            ignored = _unsearched(epochs[0], job.parameters.spaces)
            if ignored and verdict.is_success:
                return _ignored(ignored)
        if not epochs and verdict.is_success:
            return _unranked(every)
        return _conclusion(epochs, verdict, context.folder.path / _PATCH_NAME)


def show_epochs(epochs: EpochProgress, *, total: int, progress: Progress) -> None:
    """Show the epochs so far; each tenth of all is a milestone."""
    before = _MILESTONES * epochs.tried // total
    # Without a look at the file the work goes on.
    with suppress(OSError):
        if epochs.read():
            is_milestone = _MILESTONES * epochs.tried // total > before
            show = progress.milestone if is_milestone else progress.say
            show(f"engine: hyperopt, {epochs.sentence(total)}")


def _warn(best: Epoch, context: RunContext) -> None:
    """Note that the best epoch rests on few trades, where it does."""
    warning = few_trades_warning(best)
    if warning:
        context.record.notices.append(warning)


def _conclusion(epochs: list[Epoch], verdict: Verdict, patch: Path) -> Verdict:
    if epochs:
        before = "" if verdict.is_success else f"{verdict.sentence}; of the epochs so far, "
        best = f"epoch {epochs[0].number} is best; run with --patch {patch} to use it"
        return Verdict(exit_code=verdict.exit_code, sentence=before + best)
    return verdict


def _unranked(epochs: Collection[Epoch]) -> Verdict:
    """Return the verdict on `epochs` of which none made enough trades to be ranked."""
    most = max((epoch.trades for epoch in epochs), default=0)
    return Verdict(
        exit_code=ExitCode.RESULT,
        sentence=f"no epoch of the hyperopt made enough trades to be ranked, the most were {most}: "
        "widen the time range or the parameter ranges, or raise run.epochs; a backtest without "
        "trades counts the entry signals, and says what rejected them",
    )


def _write_patch(best: Epoch, job: EngineJob, context: RunContext) -> None:
    """Write the patch of the best epoch.

    Raises:
        StorageError: The epoch cannot be written as a configuration.
    """
    spaces = job.parameters.spaces
    patch = config_patch(best.details, best.exact, spaces=spaces, facts=job.facts)
    try:
        check_patch(patch, context.config, job.facts)
    except ConfigurationError as exc:
        message = f"epoch {best.number} is best, and no configuration can hold it: {exc}"
        raise StorageError(message, operation="write best epoch") from exc
    note = f"# partial: the hyperopt did not finish; epoch {best.number} was best so far\n"
    is_partial = "is_partial" in context.record.results
    context.folder.write(_PATCH_NAME, (note if is_partial else "") + patch_text(patch))
    context.record.artifacts.append(_PATCH_NAME)
    context.record.results["best_parameters"] = dict(patch)


def _unsearched(best: Epoch, spaces: Collection[str]) -> list[str]:
    """Return the spaces that the user named and the engine had no parameters for."""
    return [
        space
        for space in spaces
        if space not in _SEVERAL and _IN_DETAILS.get(space, space) not in best.details
    ]


def _ignored(spaces: list[str]) -> Verdict:
    return Verdict(
        exit_code=ExitCode.CONFIGURATION,
        sentence=f"the engine found no parameter of {', '.join(spaces)} to search, and searched "
        "the rest: correct run.spaces",
    )


def _part(epoch: Epoch) -> RunPart:
    figures = {"loss": epoch.loss, "trades": epoch.trades, "profit_ratio": epoch.profit_ratio}
    return RunPart(noun="epoch", number=epoch.number, params=epoch.details, figures=figures)


def _figures(epochs: list[Epoch]) -> dict[str, JsonValue]:
    shown = {
        f"epoch_{epoch.number}": f"loss {epoch.loss:.6g}, {counted(epoch.trades, 'trade')}, "
        f"profit {100 * epoch.profit_ratio:.2f} %"
        for epoch in epochs[:_SHOWN]
    }
    shares: dict[str, JsonValue] = {
        name: round(share, 4) for name, share in importances(epochs).items()
    }
    explained: dict[str, JsonValue] = {"parameter_importance": shares} if shares else {}
    return {"ranked_epochs": len(epochs), "best_loss": epochs[0].loss, **shown, **explained}

"""The bot of a dry-run that trades, as its engine describes it."""

from collections.abc import Sequence
from typing import final

from tradai.core import Timeframe
from tradai.entrypoint._runs.context import RunContext
from tradai.entrypoint.freqtrade._engine.rest_api import EngineControl
from tradai.entrypoint.freqtrade._preparation.prepare import EngineJob
from tradai.entrypoint.freqtrade._results.collected import has_models
from tradai.entrypoint.freqtrade._strategy.files import read_file
from tradai.entrypoint.freqtrade._strategy.source import SourceFacts


@final
class RunningBot:
    """A bot that trades; see `WatchedBot`."""

    def __init__(self, job: EngineJob, context: RunContext, control: EngineControl) -> None:
        """Take the engine's job, the run, and the engine's REST interface."""
        self.pairs: Sequence[str] = context.config.pairs
        self.candle_s = _length_s(context.config.timeframe)
        self.pause_s: float = context.config.execution.process_throttle_s or 0.0
        self._timeframe = context.config.timeframe
        self._user_data = job.user_data
        self._control = control
        self._draws_charts = _draws_charts(job.facts)

    def last_loop_s(self) -> float | None:
        """Return when its loop last came to its end, in epoch seconds; None for no answer."""
        return self._control.last_loop_s()

    def newest_candle_s(self, pair: str) -> float | None:
        """Return when the newest candle opened that it has; None for no answer."""
        if not self._draws_charts:
            return self._control.newest_candle_s(pair, self._timeframe)
        # The newest candle was closed at the time of the analysis.
        analysed_s = self._control.last_analysis_s(pair, self._timeframe)
        return None if analysed_s is None else analysed_s - self.candle_s

    def has_models(self) -> bool:
        """Return whether a model was ever trained."""
        return has_models(self._user_data)


def _draws_charts(facts: SourceFacts) -> bool:
    """Return whether the engine would call the strategy for the candles that it is asked for."""
    return any(b"plot_annotations" in read_file(facts.root / file) for file in facts.files)


def _length_s(timeframe: Timeframe) -> float:
    """Return the length of a candle; months differ, and the first one is as good as another."""
    opened = timeframe.floor(0)
    return (timeframe.next_close(opened) - opened) / 1_000

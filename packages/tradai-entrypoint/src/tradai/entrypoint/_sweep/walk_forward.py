"""Walk-forward windows: the best variant of a first range runs on the range after it."""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Self, final

from tradai.core import Timeframe, TimeRange
from tradai.core.exceptions import ConfigurationError

_LENGTHS: Final = re.compile(r"([1-9][0-9]{0,5}[hdw])/([1-9][0-9]{0,5}[hdw])")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """One window: variants are compared on `training`, and the best one runs on `test`."""

    number: int
    training: TimeRange
    test: TimeRange


@final
@dataclass(frozen=True, slots=True)
class WalkForward:
    """Lengths of the ranges of each window; a window begins one test range after the last one."""

    training: timedelta
    test: timedelta

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read two lengths in hours, days or weeks, such as ``90d/30d``.

        Raises:
            ConfigurationError: `text` has another form.
        """
        match = _LENGTHS.fullmatch(text)
        if match is None:
            problem = (
                f"{text!r} is not two lengths in hours, days or weeks, six digits at most: write "
                "90d/30d"
            )
            raise _error(problem)
        training, test = (timedelta(seconds=Timeframe(part).seconds) for part in match.groups())
        return cls(training, test)

    def windows(self, timerange: TimeRange) -> tuple[Window, ...]:
        """Return the windows that lie within `timerange`.

        >>> walk = WalkForward.parse("60d/30d")
        >>> [str(each.test) for each in walk.windows(TimeRange.parse("20250101-20250501"))]
        ['20250302-20250401', '20250401-20250501']

        Raises:
            ConfigurationError: There is none.
        """
        windows: list[Window] = []
        start = timerange.start
        if self.training + self.test > timerange.stop - start:
            raise _error(f"no window fits into {timerange}: give a longer range or shorter windows")
        while (split := start + self.training) + self.test <= timerange.stop:
            window = Window(
                number=len(windows) + 1,
                training=TimeRange(start=start, stop=split),
                test=TimeRange(start=split, stop=split + self.test),
            )
            windows.append(window)
            start += self.test
        return tuple(windows)


def _error(problem: str) -> ConfigurationError:
    return ConfigurationError(f"--walk-forward: {problem}", key="--walk-forward")

"""Run parameters: the `run:` block of a configuration file, or its flags.

They have a digest apart from that of the strategy configuration: the same strategy can be run
over many time ranges without becoming another strategy.
"""

import ipaddress
import re
from collections.abc import Collection
from typing import Annotated, Final, Self, final
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError as PydanticValidationError,
    field_validator,
)
from pydantic_core import ErrorDetails

from tradai.core import (
    AnyTimeRange,
    JsonValue,
    LoadedConfig,
    Pair,
    Timeframe,
    TimeRange,
    did_you_mean,
    error_sentence,
)
from tradai.core.exceptions import ConfigurationError, ValidationError

_TIMEFRAME: Final = "@[1-9][0-9]*[smhdwM]"
_SERIES: Final = re.compile(f"(?P<pair>[^/@]+/[^/@]+)?{_TIMEFRAME}")
_ABSENT: Final = re.compile(f"(?P<pair>[^/@:]+/[^/@:]+)(:[A-Z0-9-]+)?({_TIMEFRAME})?")


def _names_series(match: re.Match[str] | None) -> bool:
    """Return whether a series is named, whose pair, where it has one, can be one."""
    if match is None or match["pair"] is None:
        return match is not None
    try:
        return bool(Pair(match["pair"]))
    except ValidationError:
        return False


def _read_series(text: str) -> str:
    if ":" in text:
        message = (
            f"{text} is a futures series, which this version cannot provide: name it in "
            "run.without if the strategy can do without it"
        )
        raise ValueError(message)
    if not _names_series(_SERIES.fullmatch(text)):
        message = "must be PAIR@timeframe, such as BTC/USDT@1h, or @1h for every traded pair"
        raise ValueError(message)
    return text


def _read_absent(text: str) -> str:
    if not _names_series(_ABSENT.fullmatch(text)):
        message = "must be PAIR or PAIR@timeframe, such as BTC/USDT:USDT@1h"
        raise ValueError(message)
    return text


Series = Annotated[str, AfterValidator(_read_series)]
AbsentSeries = Annotated[str, AfterValidator(_read_absent)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Seconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]

# Settings of the process that are looked for here.
_SETTINGS: Final = frozenset({"data", "markets", "mode"})
# A list of each as an override takes it, in one word of a shell.
_LISTS: Final = {
    "accepted_strategy_errors": "[custom_exit,custom_stoploss]",
    "informative": "[BTC/USDT@1h,BTC/USDT@4h]",
    "spaces": "[buy,sell]",
    "without": "[BTC/USDT:USDT@1h]",
}
# Parameters that earlier versions did not have.
_LATER: Final = ("without",)
_ONLY_JUDGED_BY: Final = {"accepted_strategy_errors", "max_idle"}


@final
class RunParameters(BaseModel):
    """Parameters of one run; those that a mode does not use have no effect on it.

    Attributes:
        timerange: Half-open range of candles to trade on, such as ``20250101-20250401``, or
            ``20250101-`` or ``-20250401`` with the other end left to the candles; unset means all
            of them.
        startup_candles: Candles that the strategy needs before the range; unset means the number
            that the strategy class declares.
        informative: Further series the strategy reads, each as ``PAIR@timeframe``; ``@1h`` stands
            for that timeframe of every traded pair.
        without: Series that the strategy asks for and runs without, each as ``PAIR`` or
            ``PAIR@timeframe``, such as ``BTC/USDT:USDT@1h``, which this version cannot
            provide, or whose candles the folder lacks.
        epochs: Trials of a hyperopt, at most 100,000.
        spaces: Parameter spaces a hyperopt searches.
        loss: Name of the engine's hyperopt loss class.
        random_state: Seed of the hyperopt sampler.
        jobs: Processes a hyperopt may use, at most 256.
        freqai_model: Name of the FreqAI prediction model class.
        start_deadline_s: Seconds the engine may take to start trading (dry-run, live).
        stop_timeout_s: Seconds a stop may take before the engine is killed (dry-run,
            live).
        max_idle: Longest time that the bot may stand still, such as ``30m``, before the run is
            ended (dry-run); unset is without limit.
        accepted_strategy_errors: Callbacks of the strategy that may raise without the run ending
            with exit code 80; a LIVE run accepts none.
        exchange_url: A loopback exchange to use instead of the real one (dry-run, live, tests); it
            is part of what an approval of a live session approves.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    timerange: AnyTimeRange | None = None
    startup_candles: Annotated[int, Field(ge=0, le=100_000)] | None = None
    informative: tuple[Series, ...] = ()
    without: tuple[AbsentSeries, ...] | None = None
    epochs: Annotated[int, Field(ge=1, le=100_000)] = 50
    spaces: tuple[Name, ...] = ("buy", "sell")
    loss: Name = "SharpeHyperOptLossDaily"
    random_state: Annotated[int, Field(ge=1, le=2**32 - 1)] = 1
    jobs: Annotated[int, Field(ge=1, le=256)] = 1
    freqai_model: Name = "LightGBMRegressor"
    start_deadline_s: Seconds = 120.0
    stop_timeout_s: Seconds = 25.0
    max_idle: Timeframe | None = None
    accepted_strategy_errors: tuple[Name, ...] = ()
    exchange_url: str | None = None

    @field_validator("exchange_url")
    @classmethod
    def _only_loopback(cls, url: str | None) -> str | None:
        if url is None:
            return None
        if not is_loopback_url(url):
            raise _parameter_error("http:// on a loopback address, such as http://127.0.0.1:8080")
        return url.rstrip("/")

    @field_validator("max_idle")
    @classmethod
    def _of_known_length(cls, duration: Timeframe | None) -> Timeframe | None:
        if duration is not None and duration.endswith("M"):
            message = "months differ in length: give seconds, minutes, hours, days or weeks"
            raise ValueError(message)
        return duration

    @field_validator("spaces")
    @classmethod
    def _at_least_one(cls, spaces: tuple[str, ...]) -> tuple[str, ...]:
        if not spaces:
            raise _parameter_error("at least one space, such as [buy,sell]")
        return spaces

    def with_timerange(self, timerange: TimeRange) -> Self:
        """Return a copy in which both ends of the time range are known."""
        return self.model_copy(update={"timerange": timerange})

    def goes_without(self, pair: str, timeframe: str) -> bool:
        """Return whether the strategy is to run without the series of `pair` and `timeframe`."""
        return not {pair, f"{pair}@{timeframe}"}.isdisjoint(self.without or ())

    def canonical(self) -> dict[str, JsonValue]:
        """Return the parameters for a digest; one that came later is left out while unset.

        Runs of earlier versions and of this one have the same digest so. Those that decide over
        the end of a run and the verdict on it, and not over what it does, are left out, too.
        """
        unset = {name for name in _LATER if getattr(self, name) is None}
        return self.model_dump(mode="json", exclude=unset | _ONLY_JUDGED_BY)


def is_loopback_url(url: str, *, schemes: Collection[str] = ("http",)) -> bool:
    """Return whether `url` is of one of the `schemes` and on a loopback address."""
    try:
        parts = urlsplit(url)
        return parts.scheme in schemes and ipaddress.ip_address(parts.hostname or "").is_loopback
    # Not an address, or not even a URL, such as http://[::1.
    except ValueError:
        return False


def _parameter_error(expected: str) -> ValidationError:
    return ValidationError(f"a run parameter must be {expected}", expected=expected)


def read_run_parameters(loaded: LoadedConfig) -> RunParameters:
    """Return the run parameters of a loaded configuration.

    Raises:
        ConfigurationError: Parameters are unknown or out of range; all of them are listed.
    """
    problems: list[str] = []
    try:
        return RunParameters.model_validate(dict(loaded.run))
    except PydanticValidationError as exc:
        problems = [
            _problem(error, loaded) for error in exc.errors(include_url=False, include_input=False)
        ]
    raise ConfigurationError("; ".join(problems), key="run")


def _problem(error: ErrorDetails, loaded: LoadedConfig) -> str:
    leaf = ".".join(["run", *(str(part) for part in error["loc"] if not isinstance(part, int))])
    where = loaded.provenance.get(leaf)
    place = f"{where}: " if where else ""
    if error["type"] == "extra_forbidden":
        return f"{place}{leaf} is not a run parameter{_hint(leaf.removeprefix('run.'))}"
    return f"{place}{leaf}: {_sentence(error)}"


def _sentence(error: ErrorDetails) -> str:
    cause = error.get("ctx", {}).get("error")
    if isinstance(cause, ValueError) and not isinstance(cause, ValidationError):
        return str(cause)
    is_no_list = error["type"] == "tuple_type"
    example = f", such as {_LISTS[str(error['loc'][0])]}" if is_no_list else ""
    return error_sentence(error) + example


def _hint(name: str) -> str:
    if name in _SETTINGS:
        return f": give --{name}, or set TRADAI_RUN_{name.upper()}"
    known = RunParameters.model_fields
    return did_you_mean(name, known) or f"; the known ones are {', '.join(known)}"

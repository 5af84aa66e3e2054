"""The policy of a promotion: its gates, declared in YAML."""

from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated, Final, Self, TypeAlias, final

import pydantic
from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import ErrorDetails

from tradai.core import (
    FileKind,
    JsonObject,
    JsonValue,
    Timeframe,
    did_you_mean,
    error_sentence,
    file_errors,
    read_regular_file,
    read_yaml,
)
from tradai.core.exceptions import ConfigurationError, ValidationError
from tradai.mlflow._registry._gates.gates import (
    ArtifactsPresent,
    BetterThanChampion,
    ConfigValid,
    DataAge,
    Gate,
    MaxDrawdown,
    MetricGate,
    min_trades,
)

_GROUP: Final = "tradai.gates"
Number: TypeAlias = Annotated[float, Field(allow_inf_nan=False)]


class _Block(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


@final
class Bounds(_Block):
    """Bounds of a figure, both included; at least one of them."""

    min: Number | None = None
    max: Number | None = None

    @model_validator(mode="after")
    def _has_bound(self) -> Self:
        if self.min is None and self.max is None:
            expected = "min, max or both"
            raise ValidationError(
                f"a threshold bounds nothing: expected {expected}", expected=expected
            )
        return self


@final
class Margin(_Block):
    """A lead over the champion in one figure.

    Attributes:
        metric: Name of the figure.
        by: Least difference; 0 accepts an equal figure.
        lower_is_better: Whether the smaller figure is the better one.
    """

    metric: str
    by: Annotated[Number, Field(ge=0)]
    lower_is_better: bool = False


@final
class PromotionPolicy(_Block):
    """Gates of a promotion. The configuration and the files of the candidate are always checked.

    Attributes:
        min_trades: Least number of trades of the run.
        max_drawdown: Largest drawdown of the run, in percent, with open positions where the run
            has that, else of closed trades.
        better_than_champion_by: Lead over the version that the alias points at.
        artifacts_present: Patterns such as ``strategy/*.py``, each with at least one file.
        data_age: Longest time since the end of the run's candles, such as ``30d``.
        metrics: Bounds of further figures, by name.
        custom: Gates of other distributions (entry points ``tradai.gates``), by name, with their
            options.
    """

    min_trades: Annotated[int, Field(ge=1)] | None = None
    max_drawdown: Annotated[Number, Field(gt=0, le=100)] | None = None
    better_than_champion_by: Margin | None = None
    artifacts_present: tuple[str, ...] = ()
    data_age: Timeframe | None = None
    metrics: Mapping[str, Bounds] = Field(default_factory=dict)
    custom: Mapping[str, JsonObject] = Field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return the policy in the YAML file at `path`.

        Raises:
            ConfigurationError: It is not YAML, or not a policy; every problem is listed.
            NotFoundError: The file does not exist.
            StorageError: It cannot be read.
        """
        with file_errors("read", path):
            data = read_regular_file(path, FileKind.CONFIGURATION)
        return cls.of(read_yaml(data, source=str(path)).values, source=str(path))

    @classmethod
    def of(cls, values: Mapping[str, JsonValue], *, source: str) -> Self:
        """Return the policy with `values`, which were written in `source`.

        Raises:
            ConfigurationError: They are not a policy, or declare no gate; every problem is listed.
        """
        # A gate whose value was forgotten would be left out in silence.
        empty = [name for name, value in values.items() if value is None]
        if empty:
            problems = [f"{name} has no value; write one, or remove the line" for name in empty]
            raise _not_a_policy(problems, source)
        try:
            policy = cls.model_validate(values)
        except pydantic.ValidationError as exc:
            problems = [_problem(error) for error in exc.errors(include_url=False)]
            raise _not_a_policy(problems, source) from None
        if policy == cls():
            problem = "it declares no gate; name one, or promote without a policy"
            raise _not_a_policy([problem], source)
        return policy

    def gates(self) -> tuple[Gate, ...]:
        """Return the gates, those that are always checked first.

        Raises:
            ConfigurationError: A gate of another distribution is not installed, or refuses its
                options.
        """
        return (ConfigValid(), ArtifactsPresent(patterns=self.artifacts_present), *self._declared())

    def _declared(self) -> Iterator[Gate]:
        if self.min_trades is not None:
            yield min_trades(self.min_trades)
        if self.max_drawdown is not None:
            yield MaxDrawdown(most=self.max_drawdown)
        if self.better_than_champion_by is not None:
            lead = self.better_than_champion_by
            yield BetterThanChampion(
                metric=lead.metric, margin=lead.by, lower_is_better=lead.lower_is_better
            )
        if self.data_age is not None:
            yield DataAge(most=self.data_age)
        for name, bounds in self.metrics.items():
            yield MetricGate(gate=f"metrics.{name}", metric=name, least=bounds.min, most=bounds.max)
        for name, options in self.custom.items():
            yield _custom_gate(name, options)


# Options of the gates that have some, by the name of the gate.
_OPTIONS: Final = {
    "better_than_champion_by": tuple(Margin.model_fields),
    "metrics": tuple(Bounds.model_fields),
}


def _custom_gate(name: str, options: Mapping[str, JsonValue]) -> Gate:
    installed = entry_points(group=_GROUP)
    if name not in installed.names:
        hint = did_you_mean(name, installed.names) or "; install the distribution that has it"
        raise ConfigurationError(f"no gate custom.{name} is installed{hint}", key=f"custom.{name}")
    try:
        make = installed[name].load()
    except (ImportError, AttributeError) as exc:
        message = f"the gate custom.{name} cannot be loaded: {exc}; reinstall it"
        raise ConfigurationError(message, key=f"custom.{name}", source=_GROUP) from exc
    gate: Gate = make(options)
    return gate


def _not_a_policy(problems: Iterable[str], source: str) -> ConfigurationError:
    message = "\n".join(f"{source}: {problem}" for problem in problems)
    return ConfigurationError(message, source=source)


def _problem(error: ErrorDetails) -> str:
    path = ".".join(map(str, error["loc"]))
    if error["type"] == "extra_forbidden":
        *gate, name = map(str, error["loc"])
        known = _OPTIONS[gate[0]] if gate else PromotionPolicy.model_fields
        noun = "an option of this gate" if gate else "a gate we know"
        return f"{path} is not {noun}{did_you_mean(name, known)}"
    return f"{path} {error_sentence(error)}"

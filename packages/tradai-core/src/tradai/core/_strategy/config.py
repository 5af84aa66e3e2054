"""The schema of strategy configuration."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Final, Self, TypeAlias, final

from pydantic import AfterValidator, AliasChoices, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from tradai.core._documents.json_values import FrozenJson, FrozenMapping, JsonObject, JsonValue
from tradai.core._documents.tree import dotted, nodes
from tradai.core._secrets.detection import looks_like_secret
from tradai.core._strategy.execution import Execution
from tradai.core._time.timeframe import Timeframe
from tradai.core._types.symbols import Currency, Identifier, Pair, Version
from tradai.core.exceptions import ValidationError


def _require_unique(pairs: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(pairs)) == len(pairs):
        return pairs
    later = next(place for place, pair in enumerate(pairs) if pair in pairs[:place])
    first = pairs.index(pairs[later])
    expected = f"each pair once; entry {later + 1} repeats entry {first + 1}"
    message = f"pairs are not usable: expected {expected}"
    raise ValidationError(message, field="pairs", expected=expected)


LEAK: Final = "leak"
NO_TABLE: Final = "no_table"
TAKE_OUT: Final = "take it out, and name where it is kept instead, such as env:NAME"

_PARAMS: Final = "_params"

# Their grammars leave no room for a secret.
_NO_ROOM: Final = ("pairs", "timeframe", "version")

NonEmptyText: TypeAlias = Annotated[str, Field(min_length=1)]
Pairs: TypeAlias = Annotated[tuple[Pair, ...], AfterValidator(_require_unique)]


def names_space(key: str) -> bool:
    """Tell whether a top-level `key` holds the values of a parameter space."""
    space = key.removesuffix(_PARAMS)
    return space != key and space.isidentifier()


@final
class Strategy(BaseModel):
    """A strategy by name and version."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    name: NonEmptyText
    version: Version

    if TYPE_CHECKING:
        # Text becomes a version; the constructor that type checkers derive would refuse it.
        def __init__(self, *, name: str, version: str) -> None: ...


@final
class StrategySource(BaseModel):
    """Where the code of a strategy is.

    Attributes:
        class_name: Class of the strategy; ``class`` in YAML.
        source: Path or URI of a folder or of one ``.py`` file; a relative path is relative to
            the configuration file.
        config: Keys of the strategy's own, which it reads from ``self.config``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    class_name: Identifier = Field(
        validation_alias=AliasChoices("class", "class_name"), serialization_alias="class"
    )
    source: NonEmptyText
    config: JsonObject | None = None


@final
class StrategyConfig(BaseModel):
    """The configuration of one strategy: valid, and frozen all the way down.

    Unknown keys are kept as extras, unless they are null, and count in the digest. One that ends in
    ``_params`` holds the values of a parameter space, as `buy_params` does: ``exit_params`` holds
    those of ``exit``. A value that looks like a secret is refused wherever it is, so neither the
    configuration nor its digest holds one. Sequences are tuples and mappings cannot change, so
    ``config.pairs == ("BTC/USDT",)``; `model_dump` gives plain dicts back.

    Attributes:
        name: Name of the strategy.
        version: Its version, ``x.y.z``.
        timeframe: Length of its candles.
        pairs: Markets it trades, each once; none by default.
        stake_currency: Currency of its stakes.
        exchange: Exchange it trades on: ``binance`` is its spot market, ``binance_futures`` its
            perpetual contracts, whose pairs are such as ``BTC/USDT:USDT``. In backtests also the
            spot market of another exchange, such as ``bybit`` or ``kraken``.
        parameters: Further settings of the engine, by its own names, such as
            ``enable_protections``. Hyper-parameters have their place in `buy_params` and
            `sell_params`, other keys of the strategy in ``strategy.config``.
        buy_params: Values of the engine's buy parameters.
        sell_params: Values of the engine's sell parameters.
        freqai: The engine's FreqAI block.
        engine: Further keys of the engine, by its own names, such as its messages; an empty one
            is unset.
        strategy: Where its code is.
        execution: Rules that turn its signals into orders.
    """

    model_config = ConfigDict(frozen=True, extra="allow", hide_input_in_errors=True)
    # Not an argument of the constructor: type checkers would ask for it.
    __pydantic_extra__: dict[str, FrozenJson] = Field(init=False)

    name: NonEmptyText
    version: Version = Field(examples=["1.0.0"])
    timeframe: Timeframe = Field(examples=["15m"])
    pairs: Pairs = Field(default=(), examples=[["BTC/USDT", "ETH/USDT"]])
    stake_currency: Currency = "USDT"
    exchange: NonEmptyText = "binance"
    parameters: JsonObject = FrozenMapping({})
    buy_params: JsonObject = FrozenMapping({})
    sell_params: JsonObject = FrozenMapping({})
    freqai: JsonObject | None = None
    engine: JsonObject | None = None
    strategy: StrategySource | None = None
    execution: Execution = Execution()

    if TYPE_CHECKING:
        # Text becomes a version and a timeframe; the constructor that type checkers derive from the
        # fields would refuse it. Every extra is an argument too.
        def __init__(self, *, name: str, version: str, timeframe: str, **more: object) -> None: ...

    @model_validator(mode="before")
    @classmethod
    def _leave_out_unset(cls, values: object) -> object:
        # Null means unset, for an extra too: else two configurations would share one digest.
        if not isinstance(values, Mapping):
            return values
        fields = cls.model_fields
        given = {key: item for key, item in values.items() if item is not None or key in fields}
        return given if given.get("engine") != {} else {**given, "engine": None}

    @model_validator(mode="after")
    def _keep_secrets_out(self) -> Self:
        blocks = {
            name: dict(value) if isinstance(value, BaseModel) else value
            for name, value in self
            if name not in _NO_ROOM
        }
        for path, value in nodes(blocks):
            if looks_like_secret(path, value):
                raise PydanticCustomError(
                    LEAK, "{key} looks like a secret; " + TAKE_OUT, {"key": dotted(path)}
                )
        return self

    @model_validator(mode="after")
    def _require_tables(self) -> Self:
        for key, value in self.__pydantic_extra__.items():
            if names_space(key) and not isinstance(value, Mapping):
                raise PydanticCustomError(NO_TABLE, "{key} must be a mapping", {"key": key})
        return self

    @property
    def params_by_space(self) -> dict[str, Mapping[str, JsonValue]]:
        """The values of the engine's parameters by space; a space without values is left out."""
        tables = {key: value for key, value in self if names_space(key) and value}
        return {key.removesuffix(_PARAMS): table for key, table in tables.items()}

    @property
    def model_extra(self) -> dict[str, JsonValue]:
        """A copy of the extras; changing it changes nothing."""
        return dict(self.__pydantic_extra__)

    @property
    def extra_keys(self) -> tuple[str, ...]:
        """The keys that this schema does not know, sorted; parameter spaces are known."""
        return tuple(sorted(key for key in self.__pydantic_extra__ if not names_space(key)))

    def canonical(self) -> dict[str, JsonValue]:
        """Return the configuration as plain JSON, to digest or to store.

        Defaults are written out and unset values left out, so a key written with its default
        changes nothing. Amounts are plain decimal text.
        """
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)

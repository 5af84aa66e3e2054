"""Compare captured market rules with the recorded answers that the engine gets in their place."""

import math
from collections.abc import Iterator, Mapping
from threading import Lock
from typing import Final

from tradai.core import JsonObject, JsonValue, canonical_json
from tradai.core.exceptions import ValidationError
from tradai.entrypoint._runs.context import RunContext
from tradai.entrypoint.freqtrade._capture.loading import LoadedMarkets, load_markets
from tradai.entrypoint.freqtrade._engine.install import EngineInstall
from tradai.entrypoint.freqtrade._exchange._recorded.answers import missing_answer
from tradai.entrypoint.freqtrade._exchange._recorded.exchange import RecordedExchange
from tradai.entrypoint.freqtrade._exchange.market_server import MarketServer
from tradai.entrypoint.freqtrade._exchange.markets import MarketsSnapshot
from tradai.entrypoint.freqtrade._exchange.supported_exchanges import exchange_named

# Rules that agree, by engine and digest: the variants of a sweep have the same.
_agreed: Final[set[tuple[EngineInstall, str]]] = set()
_lock: Final = Lock()
_FIELD: Final = "markets"


def check_agreement(snapshot: MarketsSnapshot, engine: EngineInstall, context: RunContext) -> None:
    """Check that `engine` reads the rules of `snapshot` in its recorded answers, if it has any.

    Orders are rounded by the rules here, and by the answers in the engine.

    Raises:
        RunInterruptedError: A signal came first.
        ValidationError: An answer is missing or cannot be read, or a rule differs; the error names
            the address, or the pair and its field.
    """
    source = exchange_named(snapshot.exchange)
    key = (engine, snapshot.digest)
    if not isinstance(source, RecordedExchange):
        return
    with _lock:
        if key not in _agreed:
            _compare(snapshot, _read(snapshot, source, engine, context), engine)
            _agreed.add(key)


def _read(
    snapshot: MarketsSnapshot, source: RecordedExchange, engine: EngineInstall, context: RunContext
) -> LoadedMarkets:
    """Return the markets that `engine` loads from the recorded answers of `snapshot`."""
    with MarketServer(snapshot) as server:
        ended = load_markets(
            sorted(snapshot.pairs),
            source,
            server.base_url,
            engine,
            interrupts=context.interrupts,
            environ=context.environ,
        )
    read = LoadedMarkets.of(ended)
    if read is None:
        missing = server.unanswered[0] if server.unanswered else None
        raise _unreadable(snapshot, missing, ended.last_words)
    return read


def _compare(snapshot: MarketsSnapshot, read: LoadedMarkets, engine: EngineInstall) -> None:
    pair_of = exchange_named(snapshot.exchange).pair_of
    by_pair = {pair_of(market): market for market in read.markets}
    for symbol in snapshot.symbols:
        pair = pair_of(symbol)
        for field, ours, theirs in _differences(symbol, by_pair.get(pair, {})):
            message = (
                f"the market rules of {pair} have {field} {ours}, and freqtrade {engine.version} "
                f"reads {theirs} in their recorded answers: the file was edited, or captured with "
                "another version; capture it again"
            )
            raise ValidationError(message, field=f"{_FIELD}.{pair}.{field}", expected=theirs)


def _differences(ours: JsonObject, theirs: JsonObject) -> Iterator[tuple[str, str, str]]:
    """Yield each field that differs, with both values; one that is null may be missing."""
    left, right = dict(_leaves(ours)), dict(_leaves(theirs))
    for field in sorted(left.keys() | right.keys()):
        pair = tuple(_text(side.get(field)) for side in (left, right))
        if pair[0] != pair[1]:
            yield field, pair[0], pair[1]


def _text(value: JsonValue) -> str:
    # The engine reads 1e400 as infinity, which JSON has not.
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return canonical_json(value).decode()


def _leaves(node: JsonValue, path: str = "") -> Iterator[tuple[str, JsonValue]]:
    if not isinstance(node, Mapping):
        yield path, node
        return
    for name, value in node.items():
        yield from _leaves(value, f"{path}.{name}" if path else name)


def _unreadable(snapshot: MarketsSnapshot, missing: str | None, last_words: str) -> ValidationError:
    unreadable = (
        f"the engine could not load the markets of {snapshot.exchange} from the recorded answers "
        f"({last_words}): capture the market rules again"
    )
    message = (
        missing_answer(missing, exchange=snapshot.exchange, note=snapshot.note)
        if missing
        else unreadable
    )
    return ValidationError(message, field=_FIELD, expected="answers that the engine can read")

"""Capture the market rules of an exchange: the answers from which the engine loads its markets."""

from collections.abc import Mapping, Sequence

import pydantic

from tradai.core import did_you_mean, utc_now
from tradai.core.exceptions import ConfigurationError, ExternalServiceError, NotFoundError
from tradai.entrypoint._process.interrupts import Interrupts
from tradai.entrypoint._process.short_child import NO_REASON, ChildExit
from tradai.entrypoint.freqtrade._capture.loading import LoadedMarkets, load_markets
from tradai.entrypoint.freqtrade._capture.relay import RecordingRelay
from tradai.entrypoint.freqtrade._capture.upstream import Upstream
from tradai.entrypoint.freqtrade._engine.install import EngineInstall
from tradai.entrypoint.freqtrade._exchange._recorded.exchange import RecordedExchange
from tradai.entrypoint.freqtrade._exchange.exchange import check_exchange_url
from tradai.entrypoint.freqtrade._exchange.markets import MarketsSnapshot
from tradai.entrypoint.freqtrade._exchange.supported_exchanges import (
    FUTURES_EXCHANGE,
    exchange_named,
)


def capture_markets(
    pairs: Sequence[str],
    *,
    exchange: str,
    base_url: str | None,
    interrupts: Interrupts,
    environ: Mapping[str, str],
    engine: EngineInstall | None = None,
) -> MarketsSnapshot:
    """Fetch the market rules of `pairs` from an exchange.

    Where they are not understood here, the engine loads the markets of the exchange, and the
    answers that it is given are kept.

    Args:
        pairs: Pairs to have rules for.
        exchange: Name of the exchange.
        base_url: Address that answers in its place; None is the exchange itself.
        interrupts: Signals that end the capture.
        environ: Environment from which the engine's is made.
        engine: Engine to run; by default the one in our own interpreter.

    Raises:
        ConfigurationError: The exchange is not known, a pair is a contract on a spot market, or the
            engine is not installed.
        ExternalServiceError: The exchange was not reachable or did not answer as it should.
        NotFoundError: It does not list a pair, or does not trade it now.
        RunInterruptedError: A signal came first.
        ValidationError: `base_url` is neither https nor on a loopback address, or a rule of a pair
            is missing.
    """
    source = exchange_named(exchange)
    if not isinstance(source, RecordedExchange):
        return MarketsSnapshot.capture(pairs, exchange=exchange, base_url=base_url)
    if base_url is not None:
        check_exchange_url(base_url)
    _check_spot(pairs, source.name)
    engine = engine or EngineInstall.beside_us()
    snapshot = _record(pairs, source, base_url, engine, interrupts=interrupts, environ=environ)
    snapshot.require(pairs)
    return snapshot


def _check_spot(pairs: Sequence[str], exchange: str) -> None:
    contracts = [pair for pair in pairs if ":" in pair]
    if contracts:
        message = (
            f"pairs has {', '.join(contracts)}, and of {exchange} the spot market alone is known: "
            f"remove them, or set exchange: {FUTURES_EXCHANGE}"
        )
        raise ConfigurationError(message, key="pairs")


def _record(
    pairs: Sequence[str],
    source: RecordedExchange,
    base_url: str | None,
    engine: EngineInstall,
    *,
    interrupts: Interrupts,
    environ: Mapping[str, str],
) -> MarketsSnapshot:
    with RecordingRelay(Upstream(exchange=source.name, base_url=base_url), source) as relay:
        ended = load_markets(
            pairs, source, relay.base_url, engine, interrupts=interrupts, environ=environ
        )
    found = _answer_of(ended, source.name, relay.failure)
    _check_listed(pairs, found.names, source.name)
    try:
        return MarketsSnapshot(
            exchange=source.name,
            captured_at=utc_now(),
            origin="captured",
            note=", ".join(f"{name} {version}" for name, version in found.versions.items()),
            symbols=tuple(found.markets),
            answers=relay.answers,
        )
    except pydantic.ValidationError:
        reason = "a number is not finite, or a pair is there twice"
        raise _unreadable(source.name, reason) from None


def _check_listed(pairs: Sequence[str], names: Sequence[str], exchange: str) -> None:
    for pair in pairs:
        if pair not in names:
            message = (
                f"{exchange} does not list {pair}{did_you_mean(pair, names)}; write the names that "
                "ccxt gives to its markets, or remove the pair"
            )
            raise NotFoundError(message, kind="market", key=pair)


def _answer_of(
    ended: ChildExit, exchange: str, failure: ExternalServiceError | None
) -> LoadedMarkets:
    if failure is not None:
        raise failure
    found = LoadedMarkets.of(ended)
    if found is None:
        is_empty = bool(ended.output) and ended.last_words == NO_REASON
        raise _unreadable(exchange, "they list no market" if is_empty else ended.last_words)
    return found


def _unreadable(exchange: str, reason: str) -> ExternalServiceError:
    return ExternalServiceError(
        f"the engine could not read the markets of {exchange} from its answers ({reason}): try "
        "again later, or with another version of the engine",
        service=exchange,
        operation="load markets",
        retryable=True,
    )

"""Candle repository in ArcticDB."""

import importlib.util
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar, final

import pandas as pd

from tradai.core._error_translation import ErrorTable
from tradai.core._fork_lock import ForkLock
from tradai.core._ports.protocols import Clock
from tradai.core._ports.repositories import Coverage, series_name
from tradai.core._secrets.redaction import redact
from tradai.core._time.instants import from_epoch_ms
from tradai.core._time.timeframe import Timeframe
from tradai.core.arcticdb._frame_repository import FrameRepository
from tradai.core.arcticdb._uri import ArcticUri
from tradai.core.exceptions import ConfigurationError, ConflictError, NotFoundError, StorageError
from tradai.core.frames._candle_repository import parse_series_name, series_key
from tradai.core.frames._candles import check_candles, merge_candles, opening_ms
from tradai.core.frames._columns import Span

if TYPE_CHECKING:
    from arcticdb.version_store.library import Library

T = TypeVar("T")
Rule: TypeAlias = Callable[[Exception, str, ArcticUri], StorageError]

# ArcticDB counts nanoseconds in 64 bits, which reach from 1677 to 2262.
_NANOSECONDS: Final = 1_000_000
_NATIVE: Final = pd.DatetimeTZDtype("ns", "UTC")
_LATEST_MS: Final = (2**63 - 1) // _NANOSECONDS
_EARLIEST_MS: Final = -_LATEST_MS
_APPEND: Final = "append to"
_VENDOR: Final = "arcticdb_ext.exceptions"


@final
class ArcticDBDataRepository(FrameRepository):
    """Candles in a library of ArcticDB, on LMDB (a local folder) or S3; a symbol for each series.

    URIs are ArcticDB's own: ``lmdb:///candles?map_size=4GB``,
    ``s3s://s3.eu-central-1.amazonaws.com:bucket?aws_auth=true``. Keys are best given as references,
    ``access=env:NAME&secret=aws-sm:NAME``; keys that are written out are treated as secrets and
    never shown. Nothing is opened before the first use.

    Each change is one new version of a symbol: readers meet the version before or the one after.
    Old versions stay until they are pruned with ArcticDB's own tools. ArcticDB has no lock: of two
    writers of one series at the same time, one may undo the change of the other. One process should
    open an LMDB folder only once. A store on S3 that cannot be reached is tried for half a minute.
    """

    def __init__(self, uri: str, *, library: str = "ohlcv", clock: Clock | None = None) -> None:
        """Keep candles in `library` of the ArcticDB at `uri`; a missing library is created.

        Args:
            uri: Where ArcticDB keeps its data.
            library: Name of the library.
            clock: Decides which candles have closed; by default the clock of this machine.

        Raises:
            ConfigurationError: `uri` is not usable, or ArcticDB is not installed.
        """
        super().__init__(clock)
        self._uri = ArcticUri.parse(uri)
        if importlib.util.find_spec("arcticdb") is None:
            message = "ArcticDB is not installed; install tradai-core[arcticdb]"
            raise ConfigurationError(message, key="arcticdb")
        self._name = library
        self._lock = ForkLock()
        self._opened: Library | None = None

    @classmethod
    def for_uri(cls, uri: str) -> "ArcticDBDataRepository":
        """Return the repository at `uri`: ``arctic:`` and a URI of ArcticDB."""
        return cls(uri.removeprefix("arctic:"))

    def __repr__(self) -> str:
        """Show where it is, without keys."""
        return f"ArcticDBDataRepository({str(self._uri)!r}, library={self._name!r})"

    def coverage(self, pair: str, timeframe: str) -> Coverage | None:
        """Return the extent of the series, without reading it; None when it is missing or empty."""
        symbol = series_name(*series_key(pair, timeframe))
        known = self._known("describe", lambda library: library.get_description(symbol))
        if known is None or not known.row_count:
            return None
        first, last = (_instant(at) for at in known.date_range)
        return Coverage(first, last, known.row_count)

    def series(self) -> list[tuple[str, Timeframe]]:
        """Return pair and timeframe of every series, sorted; other symbols are ignored."""
        symbols = self._ask("list", lambda library: library.list_symbols())
        return sorted(series for series in map(parse_series_name, symbols) if series)

    def _read(self, pair: str, timeframe: Timeframe, span: Span) -> pd.DataFrame | None:
        symbol, dates = series_name(pair, timeframe), _dates(span)
        frame = self._known("read", lambda library: library.read(symbol, date_range=dates).data)
        return None if frame is None else check_candles(frame, f"{symbol}{self._place()}")

    def _replace(self, pair: str, timeframe: Timeframe, frame: pd.DataFrame) -> None:
        symbol = series_name(pair, timeframe)
        self._ask("write", lambda library: library.write(symbol, _native(frame)))

    def _merge(self, pair: str, timeframe: Timeframe, frame: pd.DataFrame) -> None:
        known = self.coverage(pair, timeframe)
        if known is None:
            self._replace(pair, timeframe, frame)
        elif frame.index[0] > known.last:
            symbol = series_name(pair, timeframe)
            self._ask(_APPEND, lambda library: library.append(symbol, _native(frame)))
        else:
            self._update(pair, timeframe, frame)

    def _update(self, pair: str, timeframe: Timeframe, frame: pd.DataFrame) -> None:
        """Replace the range that `frame` spans by the stored candles merged with `frame`."""
        symbol = series_name(pair, timeframe)
        dates = (frame.index[0], frame.index[-1])
        old = self._ask("read", lambda library: library.read(symbol, date_range=dates).data)
        old = check_candles(old, f"{symbol}{self._place()}")
        new = merge_candles(old, frame)
        if not new.equals(old):
            self._ask("update", lambda library: library.update(symbol, _native(new)))

    def _place(self) -> str:
        return f" in {self._uri}"

    def _library(self) -> "Library":
        with self._lock:
            if self._opened is None:
                with _ERRORS.translated("open", self._uri):
                    self._opened = self._open()
            return self._opened

    def _open(self) -> "Library":
        from arcticdb import Arctic

        return Arctic(self._uri.native()).get_library(self._name, create_if_missing=True)

    def _known(self, operation: str, ask: "Callable[[Library], T]") -> T | None:
        """Return the answer of the library, or None when it has no such symbol."""
        try:
            return self._ask(operation, ask)
        except NotFoundError:
            return None

    def _ask(self, operation: str, ask: "Callable[[Library], T]") -> T:
        library = self._library()
        with _ERRORS.translated(operation, self._uri):
            return ask(library)


def _advised(advice: str, *, retryable: bool = False) -> Rule:
    """Return the rule that translates an error with `advice`."""

    def rule(error: Exception, operation: str, uri: ArcticUri) -> StorageError:
        message = f"{_summary(error, operation, uri)}; {advice}"
        verb = operation.partition(" ")[0]
        return StorageError(message, operation=verb, service="arcticdb", retryable=retryable)

    return rule


def _no_symbol(error: Exception, operation: str, uri: ArcticUri) -> NotFoundError:
    message = f"{_summary(error, operation, uri)}; write it first"
    return NotFoundError(message, kind="series", key=str(uri))


def _internal(error: Exception, operation: str, uri: ArcticUri) -> StorageError:
    if operation != _APPEND:
        return _advised("check the library")(error, operation, uri)
    # ArcticDB raises it when the series does not end before the appended candles.
    message = (
        f"{_summary(error, operation, uri)}; another writer was first: read again, then decide"
    )
    return ConflictError(message, operation="append", service="arcticdb")


def _summary(error: Exception, operation: str, uri: ArcticUri) -> str:
    return f"cannot {operation} candles in {uri}: {redact(str(error))}"


# Scrubbed: messages of ArcticDB may hold keys.
_ERRORS: Final = ErrorTable(
    {
        "arcticdb_ext.storage.NoDataFoundException": _no_symbol,
        f"{_VENDOR}.InternalException": _internal,
        f"{_VENDOR}.LmdbMapFullError": _advised("raise map_size in its URI"),
        f"{_VENDOR}.PermissionException": _advised("grant this user the permission"),
        f"{_VENDOR}.StorageException": _advised(
            "check that it is reachable and its keys are right, then try again", retryable=True
        ),
        f"{_VENDOR}.ArcticException": _advised("check the library"),
        OSError: _advised("check the library"),
        ValueError: _advised("check the library"),
    },
    scrubs=True,
)


def _native(frame: pd.DataFrame) -> pd.DataFrame:
    """Return `frame` in the form of ArcticDB: with nanoseconds."""
    native = frame.copy(deep=False)
    # Faster than `as_unit`; candles are of 1970 to 2199, which excludes an overflow.
    stamps = (opening_ms(frame) * _NANOSECONDS).view("datetime64[ns]")
    native.index = pd.DatetimeIndex(stamps, dtype=_NATIVE, name="date")
    return native


def _dates(span: Span) -> tuple[pd.Timestamp | None, pd.Timestamp | None] | None:
    """Return `span` for ArcticDB: with its end included, within the range of nanoseconds."""
    if span == Span():
        return None
    last_ms = None if span.stop_ms is None else span.stop_ms - 1
    return _timestamp(span.start_ms), _timestamp(last_ms)


def _timestamp(at_ms: int | None) -> pd.Timestamp | None:
    if at_ms is None:
        return None
    return pd.Timestamp(min(max(at_ms, _EARLIEST_MS), _LATEST_MS), unit="ms", tz="UTC")


def _instant(at: pd.Timestamp) -> datetime:
    return from_epoch_ms(at.value // _NANOSECONDS)

"""Candle repository in a flat folder with one file per series, the layout of Freqtrade."""

from pathlib import Path
from typing import Final, Literal, NamedTuple, final

from tradai.core._local.atomic_files import file_errors
from tradai.core._local.file_store import FileStore
from tradai.core._local.file_uri import file_path
from tradai.core._local.regular_files import FileKind
from tradai.core._ports.protocols import Clock
from tradai.core._ports.repositories import Coverage, series_name
from tradai.core._time.timeframe import Timeframe
from tradai.core.exceptions import ConflictError, ValidationError
from tradai.core.frames._candle_repository import (
    CandleRepository,
    coverage_of,
    parse_series_name,
    series_key,
)
from tradai.core.frames._columns import CandleColumns, Span, candles_error, merge_columns
from tradai.core.frames._files import (
    DAMAGE,
    damaged,
    decode_feather,
    decode_parquet,
    encode_feather,
    encode_parquet,
)

_FORMATS: Final = ("parquet", "feather")


@final
class _StoredSeries(NamedTuple):
    """A stored series: its file, the tag of exactly these bytes, the candles."""

    path: Path
    etag: str
    columns: CandleColumns


@final
class FlatDataRepository(CandleRepository):
    """Candles in a flat folder laid out like Freqtrade's: ``BTC_USDT-5m.parquet``, one a series.

    It is for folders that the engine shares: each change writes the whole series anew.
    `ParquetDataRepository` is the one to collect candles in.

    Parquet and Feather files are read, and Freqtrade reads both. Parquet files written here carry
    checksums that are verified on reading; a Feather file has none, so a flipped bit in a price
    goes unnoticed. A series with a file of each format is refused, since either may be stale.
    Another program that writes the folder may have stored the newest candle while it was open.
    """

    def __init__(
        self,
        root: str | Path,
        *,
        file_format: Literal["parquet", "feather"] = "parquet",
        candle_type: str | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Keep candles in the folder `root`; it is created with the first series.

        Args:
            root: The folder.
            file_format: Format to write.
            candle_type: Freqtrade's kind of candles of futures, such as ``futures`` or ``mark``,
                which are in the folder ``futures`` as ``BTC_USDT_USDT-1h-mark``. The contract is
                settled in its quote currency and given as ``BTC/USDT``. None is spot.
            clock: Decides which candles have closed; by default the clock of this machine.

        Raises:
            ValidationError: `file_format` is neither of them.
        """
        if file_format not in _FORMATS:
            expected = "parquet or feather"
            message = f"file format {file_format!r} is not usable: expected {expected}"
            raise ValidationError(message, field="file_format", expected=expected)
        super().__init__(clock)
        self._suffix = f"-{candle_type}" if candle_type else ""
        self._root = file_path(root).absolute() / ("futures" if candle_type else "")
        self._format = file_format
        self._store = FileStore(self._root, kind=FileKind.CANDLES)

    def coverage(self, pair: str, timeframe: str) -> Coverage | None:
        """Return the extent of the series, by reading it; None when it is missing or empty."""
        kept = self._load(*series_key(pair, timeframe))
        return None if kept is None else coverage_of(kept.columns)

    def series(self) -> list[tuple[str, Timeframe]]:
        """Return pair and timeframe of every series, sorted; other files are ignored."""
        if not self._root.is_dir():
            return []
        with file_errors("list", self._root):
            names = [path.name.rpartition(".") for path in self._root.iterdir()]
        found = (self._parse(stem) for stem, _, kind in names if kind in _FORMATS)
        return sorted({series for series in found if series})

    def _parse(self, stem: str) -> tuple[str, Timeframe] | None:
        if not self._suffix:
            return parse_series_name(stem)
        name = stem.removesuffix(self._suffix)
        contract, _, timeframe = name.partition("-")
        pair, _, settle = contract.rpartition("_")
        is_linear = name != stem and pair.endswith(f"_{settle}")
        return parse_series_name(f"{pair}-{timeframe}") if is_linear else None

    def _read(self, pair: str, timeframe: Timeframe, span: Span) -> CandleColumns | None:
        kept = self._load(pair, timeframe)
        return kept and kept.columns.cut(span.places(kept.columns.opened))

    def _replace(self, pair: str, timeframe: Timeframe, columns: CandleColumns) -> None:
        paths = self._paths(pair, timeframe)
        target = paths.pop(self._format)
        self._store.write(target.as_uri(), _encode(columns, self._format))
        self._remove(paths)

    def _merge(self, pair: str, timeframe: Timeframe, columns: CandleColumns) -> None:
        while not self._is_merged(pair, timeframe, columns):
            pass  # Another writer was first; the next round merges with its candles.

    def _is_merged(self, pair: str, timeframe: Timeframe, columns: CandleColumns) -> bool:
        paths = self._paths(pair, timeframe)
        target = paths.pop(self._format)
        kept = self._load(pair, timeframe)
        data = _encode(merge_columns(kept.columns, columns) if kept else columns, self._format)
        tag = kept.etag if kept and kept.path == target else None
        try:
            self._store.write(target.as_uri(), data, if_match=tag, if_absent=tag is None)
        except ConflictError:
            return False
        self._remove(paths)
        return True

    def _remove(self, stale: dict[str, Path]) -> None:
        for path in stale.values():
            self._store.delete(path.as_uri())

    def _load(self, pair: str, timeframe: Timeframe) -> _StoredSeries | None:
        paths = [path for path in self._paths(pair, timeframe).values() if _is_there(path)]
        if len(paths) > 1:
            names = " and ".join(str(path) for path in paths)
            problem = f"they are in {names}; remove the stale one"
            raise candles_error(f"{pair} {timeframe}", problem)
        if not paths:
            return None
        stored = self._store.read(paths[0].as_uri())
        columns = _decode(stored.data, paths[0])
        return _StoredSeries(path=paths[0], etag=stored.etag, columns=columns)

    def _paths(self, pair: str, timeframe: Timeframe) -> dict[str, Path]:
        stem = series_name(pair, timeframe)
        if self._suffix:
            quote = pair.partition("/")[2]
            stem = series_name(f"{pair}_{quote}", timeframe) + self._suffix
        return {suffix: self._root / f"{stem}.{suffix}" for suffix in _FORMATS}

    def _place(self) -> str:
        return f" in {self._root}"


def _is_there(path: Path) -> bool:
    if path.is_symlink() and not path.exists():
        problem = "it is a link to nothing"
        raise damaged(path, problem, advice="mend or remove the link")
    return path.exists()


def _encode(columns: CandleColumns, file_format: str) -> bytes:
    if file_format == "feather":
        return bytes(encode_feather(columns))
    return bytes(encode_parquet(columns, use_dictionary=True))


def _decode(data: bytes, path: Path) -> CandleColumns:
    decode = decode_feather if path.suffix == ".feather" else decode_parquet
    try:
        return decode(data, str(path))
    except ValidationError:
        # A `ValueError` too: the file is whole, and its candles are not usable.
        raise
    except DAMAGE as exc:
        raise damaged(path, exc, advice="download the file again") from exc

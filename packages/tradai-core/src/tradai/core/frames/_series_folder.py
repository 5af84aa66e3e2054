"""A series in a folder of its own: partition files, and the manifest that lists them."""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, final

from tradai.core._local.atomic_files import (
    atomic_file,
    file_errors,
    is_temporary,
    locked,
    make_folder,
    sync_folder,
)
from tradai.core._local.regular_files import FileKind, read_regular_file
from tradai.core._time.timeframe import Timeframe
from tradai.core.exceptions import StorageError, ValidationError
from tradai.core.frames._columns import CandleColumns, Span, merge_columns
from tradai.core.frames._files import DAMAGE, damaged, decode_parquet, encode_parquet
from tradai.core.frames._manifest import (
    MANIFEST_NAME,
    Manifest,
    Partition,
    split_partitions,
)

_PARTITION_FILE: Final = re.compile(r"[0-9-]{4,}\.g[1-9][0-9]*\.parquet")


@final
class SeriesFolder:
    """One series.

    A change writes new files beside the old ones, then replaces the manifest, which changes all
    partitions at one moment. Files of the previous manifest stay until the next change, for
    readers that still need them.
    """

    def __init__(self, folder: Path, timeframe: Timeframe) -> None:
        """Keep the series of `timeframe` in `folder`, which the first change creates."""
        self._folder = folder
        self._timeframe = timeframe

    def manifest(self) -> Manifest | None:
        """Return the manifest; None without a series."""
        return Manifest.load(self._folder)

    def read(self, span: Span) -> CandleColumns | None:
        """Return the candles in `span`, from the files that have some; None without a series."""
        manifest = self.manifest()
        while manifest is not None:
            try:
                return self._read_span(manifest, span)
            except StorageError:
                newer = self.manifest()
                if newer == manifest:
                    raise
                # Two changes happened meanwhile, and the second removed files of this manifest.
                manifest = newer
        return None

    def replace(self, columns: CandleColumns) -> None:
        """Make `columns` the whole series."""
        with self._writing() as old:
            parts = dict(split_partitions(columns, self._timeframe))
            self._commit(old, parts, kept=())

    def merge(self, columns: CandleColumns) -> None:
        """Merge `columns` in; partitions it does not change stay as they are."""
        with self._writing() as old:
            known = {each.name: each for each in old.partitions} if old else {}
            parts = {}
            for name, new in split_partitions(columns, self._timeframe):
                before = self._read_partition(known[name]) if name in known else None
                after = new if before is None else merge_columns(before, new)
                if before is None or not after.equals(before):
                    parts[name] = after
            if parts:
                self._commit(old, parts, kept=known.values())

    @contextmanager
    def _writing(self) -> Iterator[Manifest | None]:
        """Lock the series for one writer, remove stale files, and lend the manifest."""
        with file_errors("write", self._folder):
            make_folder(self._folder)
            with locked(self._folder, needed=True):
                manifest = self.manifest()
                self._remove_stale(manifest)
                yield manifest

    def _commit(
        self,
        old: Manifest | None,
        parts: Mapping[str, CandleColumns],
        *,
        kept: Iterable[Partition],
    ) -> None:
        generation = old.generation + 1 if old else 1
        written = [self._write_partition(name, part, generation) for name, part in parts.items()]
        sync_folder(self._folder)
        others = (each for each in kept if each.name not in parts)
        partitions = sorted([*others, *written], key=lambda each: each.first_ms)
        Manifest(generation=generation, partitions=tuple(partitions)).commit(self._folder)

    def _write_partition(self, name: str, columns: CandleColumns, generation: int) -> Partition:
        opened = columns.opened
        partition = Partition(
            name=name,
            generation=generation,
            first_ms=int(opened[0]),
            last_ms=int(opened[-1]),
            count=len(opened),
        )
        path = self._folder / partition.file_name
        with atomic_file(path) as file:
            file.write(encode_parquet(columns))
        return partition

    def _read_span(self, manifest: Manifest, span: Span) -> CandleColumns:
        wanted = [
            each for each in manifest.partitions if span.overlaps(each.first_ms, each.last_ms)
        ]
        if not wanted:
            return self._read_partition(manifest.partitions[-1]).cut(slice(0))
        read = map(self._read_partition, wanted)
        parts = [part.cut(span.places(part.opened)) for part in read]
        return parts[0] if len(parts) == 1 else merge_columns(*parts)

    def _read_partition(self, partition: Partition) -> CandleColumns:
        path = self._folder / partition.file_name
        with file_errors("read", path):
            try:
                data = read_regular_file(path, FileKind.CANDLES)
            except FileNotFoundError as exc:
                message = f"{path} is gone, and {MANIFEST_NAME} lists it; restore the file"
                raise StorageError(message, operation="read") from exc
        try:
            columns = decode_parquet(data, str(path))
        except ValidationError:
            # A `ValueError` too: the file is whole, and its candles are not usable.
            raise
        except DAMAGE as exc:
            raise damaged(path, exc, advice="restore the file") from exc
        opened = columns.opened
        if [*opened[:1], *opened[-1:], len(opened)] != [
            partition.first_ms,
            partition.last_ms,
            partition.count,
        ]:
            problem = f"it does not match {MANIFEST_NAME}"
            raise damaged(path, problem, advice="restore the file")
        return columns

    def _remove_stale(self, manifest: Manifest | None) -> None:
        current = {each.file_name for each in manifest.partitions} if manifest else set()
        for path in list(self._folder.iterdir()):
            is_stale = _PARTITION_FILE.fullmatch(path.name) and path.name not in current
            if is_stale or is_temporary(path.name):
                path.unlink()

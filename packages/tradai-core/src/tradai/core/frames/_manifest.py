"""The manifest of a partitioned series: its files, and the extent of each."""

from pathlib import Path
from typing import Annotated, Final, Literal, final

import pydantic
from pydantic import BaseModel, ConfigDict, Field, PositiveInt

from tradai.core._local.atomic_files import atomic_file, file_errors
from tradai.core._ports.repositories import Coverage
from tradai.core._time.instants import from_epoch_ms
from tradai.core.exceptions import StorageError

MANIFEST_NAME: Final = "manifest.json"

_Name = Annotated[str, Field(pattern=r"^[0-9]{4,6}(-[0-9]{2}){0,2}$")]


@final
class Partition(BaseModel):
    """One file of a series, and its extent.

    Attributes:
        name: Its period: a year, a month or a day.
        generation: The change of the series that wrote it.
        first_ms: Opening time of its first candle, in epoch milliseconds.
        last_ms: Opening time of its last candle.
        count: Number of candles.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: _Name
    generation: PositiveInt
    first_ms: int
    last_ms: int
    count: PositiveInt

    @property
    def file_name(self) -> str:
        """Name of its file; no two generations share one."""
        return f"{self.name}.g{self.generation}.parquet"


@final
class Manifest(BaseModel):
    """The files that are the series now, in order of time; `generation` counts its changes."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    layout: Literal[1] = 1
    generation: PositiveInt
    partitions: Annotated[tuple[Partition, ...], Field(min_length=1)]

    @classmethod
    def load(cls, folder: Path) -> "Manifest | None":
        """Read the manifest in `folder`; None when there is none.

        Raises:
            StorageError: It cannot be read, or is not a manifest.
        """
        path = folder / MANIFEST_NAME
        with file_errors("read", path):
            try:
                text = path.read_bytes()
            except (FileNotFoundError, NotADirectoryError):
                return None
        try:
            return cls.model_validate_json(text)
        except pydantic.ValidationError as exc:
            message = f"{path} is not a manifest of candles; restore it, or save the series again"
            raise StorageError(message, operation="read") from exc

    def commit(self, folder: Path) -> None:
        """Replace the manifest in `folder`, which changes the series at once."""
        path = folder / MANIFEST_NAME
        with atomic_file(path) as file:
            file.write(self.model_dump_json(indent=1).encode())

    @property
    def coverage(self) -> Coverage:
        """Extent of the series."""
        first, last = self.partitions[0].first_ms, self.partitions[-1].last_ms
        count = sum(each.count for each in self.partitions)
        return Coverage(from_epoch_ms(first), from_epoch_ms(last), count)

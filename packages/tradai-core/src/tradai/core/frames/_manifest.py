"""The manifest of a partitioned series: which files are the series, and what they hold."""

from pathlib import Path
from typing import Annotated, Final, Literal, final

import pydantic
from pydantic import BaseModel, ConfigDict, Field, PositiveInt

from tradai.core._local.atomic_files import atomic_file, file_errors
from tradai.core._ports.repositories import Coverage
from tradai.core.exceptions import StorageError
from tradai.core.frames._candles import instant

__all__ = ["MANIFEST_NAME", "Manifest", "Partition"]

MANIFEST_NAME: Final = "manifest.json"

_Name = Annotated[str, Field(pattern=r"^[0-9]{4,6}(-[0-9]{2}){0,2}$")]


@final
class Partition(BaseModel):
    """One file of a series, and what is in it.

    Attributes:
        name: Its stretch of time: a year, a month or a day.
        generation: The change of the series that wrote it.
        first_ms: When its first candle opens, in epoch milliseconds.
        last_ms: When its last one opens.
        count: How many there are.
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
            StorageError: It cannot be read, or is no manifest.
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
        """Make the series in `folder` what this manifest says, at once."""
        path = folder / MANIFEST_NAME
        with atomic_file(path) as file:
            file.write(self.model_dump_json(indent=1).encode())

    @property
    def coverage(self) -> Coverage:
        """What the series holds."""
        first, last = self.partitions[0].first_ms, self.partitions[-1].last_ms
        count = sum(each.count for each in self.partitions)
        return Coverage(instant(first), instant(last), count)

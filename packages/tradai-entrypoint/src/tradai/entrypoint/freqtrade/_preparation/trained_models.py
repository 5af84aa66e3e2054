"""Trained FreqAI models of a live session: a copy of them, their digest, and their age."""

import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final, final

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError as InvalidModelError,
)

from tradai.core import (
    FileKind,
    StrategyConfig,
    digest,
    file_errors,
    files_digest,
    from_epoch_ms,
    read_regular_file,
)
from tradai.core.exceptions import TradingError
from tradai.entrypoint.freqtrade._candles.series import enabled_freqai

# The engine's own names (freqtrade 2026.9), below the folder of all models.
_DICTIONARY: Final = "pair_dictionary.json"
_NO_IDENTIFIER: Final = "no_id_provided"
_ADVICE: Final = (
    "name the folder `models` of a run of --mode train, or of a dry-run, in TRADAI_LIVE_MODELS"
)


@final
class _Entry(BaseModel):
    """An entry of FreqAI's pair dictionary; what else it has is kept as it is."""

    model_config = ConfigDict(extra="allow")

    model_filename: Annotated[str, Field(pattern=r"^[^/\x00]+$")]
    trained_timestamp: Annotated[int, Field(gt=0)]
    data_path: Annotated[str, Field(pattern=r"(^|/)sub-train-[^/\x00]+$")]

    @property
    def folder(self) -> str:
        """Name of the folder of its files, wherever it was when the model was trained."""
        return Path(self.data_path).name


_DICTIONARY_OF: Final = TypeAdapter(dict[str, _Entry])


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedModels:
    """The models that a session trades by.

    Attributes:
        digest: Digest of the pair dictionary and of the files of every model in it.
        trained_at: Instant of the training of each pair's model, by pair.
    """

    digest: str
    trained_at: Mapping[str, datetime]


def freqai_identifier(config: StrategyConfig) -> str | None:
    """Return FreqAI's name of the set of models; None where FreqAI is off."""
    freqai = enabled_freqai(config)
    return None if freqai is None else str(freqai.get("identifier", _NO_IDENTIFIER))


def stage_models(source: Path, identifier: str, target: Path) -> TrainedModels:
    """Copy the models that a pair dictionary names, and return what was copied.

    Other files are left behind: models of earlier times, predictions, and what a strategy wrote.

    Args:
        source: Folder ``models`` of a run.
        identifier: FreqAI's name of the set of models, a folder in it.
        target: Folder of all models of the engine; what it has is replaced.

    Raises:
        TradingError: There is no pair dictionary, or it cannot be used.
        StorageError: A file cannot be read or written.
    """
    entries = _read_dictionary(source / identifier)
    place = target.resolve() / identifier
    shutil.rmtree(target, ignore_errors=True)
    for name, data in _files(source / identifier, entries):
        with file_errors("write", place / name):
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_bytes(data)
    # FreqAI finds the files of a model by the absolute path in its entry.
    moved = {
        pair: entry.model_dump() | {"data_path": str(place / entry.folder)}
        for pair, entry in entries.items()
    }
    with file_errors("write", place / _DICTIONARY):
        (place / _DICTIONARY).write_text(json.dumps(moved), encoding="utf-8")
    return read_models(target, identifier)


def read_models(folder: Path, identifier: str) -> TrainedModels:
    """Return the models in `folder`, below `identifier`.

    Raises:
        TradingError: There is no pair dictionary, or it cannot be used.
        StorageError: A file cannot be read.
    """
    entries = _read_dictionary(folder / identifier)
    what = {
        "pairs": {
            pair: entry.model_dump() | {"data_path": entry.folder}
            for pair, entry in entries.items()
        },
        "files": files_digest(_files(folder / identifier, entries)),
    }
    return TrainedModels(
        digest=digest(what),
        trained_at={
            pair: from_epoch_ms(1_000 * entry.trained_timestamp) for pair, entry in entries.items()
        },
    )


def _read_dictionary(folder: Path) -> dict[str, _Entry]:
    path = folder / _DICTIONARY
    if not path.exists():
        message = f"there are no trained models at {path}: {_ADVICE}"
        raise TradingError(message, reason="models")
    try:
        return _DICTIONARY_OF.validate_json(_read(path))
    except InvalidModelError:
        message = f"{path} is not a pair dictionary of trained models: {_ADVICE}"
    raise TradingError(message, reason="models")


def _files(folder: Path, entries: Mapping[str, _Entry]) -> Iterator[tuple[str, bytes]]:
    """Yield the relative path and the bytes of each file of the models, in one order."""
    for pair, entry in sorted(entries.items()):
        names = sorted(
            path.name
            for path in (folder / entry.folder).glob("*")
            if path.name.startswith(f"{entry.model_filename}_")
        )
        if not any(name.startswith(f"{entry.model_filename}_model.") for name in names):
            message = f"the model of {pair} is not in {folder / entry.folder}: {_ADVICE}"
            raise TradingError(message, reason="models")
        for name in names:
            yield f"{entry.folder}/{name}", _read(folder / entry.folder / name)


def _read(path: Path) -> bytes:
    with file_errors("read", path):
        return read_regular_file(path, FileKind.OBJECT)

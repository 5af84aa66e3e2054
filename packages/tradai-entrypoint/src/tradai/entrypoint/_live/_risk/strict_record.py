"""Records of trading read strictly: what is not exactly as it was written is damaged."""

import json
from typing import Final, TypeVar

from pydantic import BaseModel, ValidationError as InvalidModelError

from tradai.core import ObjectStore, StoredObject
from tradai.core.exceptions import NotFoundError, StorageError

_FOLDER: Final = "folder"
_Record = TypeVar("_Record", bound=BaseModel)


def stored_record(store: ObjectStore, uri: str) -> StoredObject | None:
    """Return the object at `uri`; None where nothing at all is.

    Raises:
        StorageError: A folder is in its place.
        ExternalServiceError: The store refused or did not answer.
    """
    try:
        return store.read(uri)
    except NotFoundError as exc:
        if exc.kind == _FOLDER:
            raise StorageError(str(exc), operation="read") from exc
        return None


def parsed_record(model: type[_Record], data: bytes) -> _Record | None:
    """Return the record in `data`; None when it is not whole.

    No field may be left out, and no key may be there twice: the later one would count.
    """
    try:
        json.loads(data, object_pairs_hook=_without_repeats)
        record = model.model_validate_json(data)
    except (InvalidModelError, ValueError, RecursionError):
        return None
    return record if record.model_fields_set == set(model.model_fields) else None


def _without_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        message = "an object repeats a key"
        raise ValueError(message)
    return found

"""A configuration and a record as the tags of one model version, and back."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeVar, final

import pydantic
from pydantic import BaseModel

from tradai.core import StrategyConfig, canonical_json, digest, error_sentence
from tradai.mlflow._registry.chunks import from_chunks, to_chunks
from tradai.mlflow._registry.errors import ModelIntegrityError
from tradai.mlflow._registry.record import SCHEMA_VERSION, ModelRecord

M = TypeVar("M", bound=BaseModel)

_CONFIG: Final = "tradai.config"
_RECORD: Final = "tradai.record"
_SCHEMA: Final = "tradai.schema"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class VersionContent:
    """The configuration and the record of a version, which belong together."""

    config: StrategyConfig
    record: ModelRecord


def to_tags(content: VersionContent) -> dict[str, str]:
    """Return the tags of a version: those that are read back, and some for people to search by.

    Raises:
        ValidationError: The configuration is too long, or not JSON.
    """
    config, record = content.config, content.record
    return {
        _SCHEMA: str(SCHEMA_VERSION),
        **to_chunks(_CONFIG, canonical_json(config.canonical()).decode()),
        **to_chunks(_RECORD, canonical_json(record.canonical()).decode()),
        **_search_tags(config, record),
    }


def from_tags(tags: Mapping[str, str], *, place: str) -> VersionContent:
    """Return what the tags of a version hold.

    Args:
        tags: Tags of the version, with others among them.
        place: Name of the version in messages.

    Raises:
        ModelIntegrityError: The version was not registered by tradai, was by a later version of
            it, or a tag is missing or changed.
    """
    _check_schema(tags.get(_SCHEMA), place)
    config = _parsed(StrategyConfig, from_chunks(_CONFIG, tags, place=place), place)
    record = _parsed(ModelRecord, from_chunks(_RECORD, tags, place=place), place)
    if digest(config.canonical()) != record.config_digest:
        message = f"{place} cannot be used: its configuration is not the one of its record"
        raise ModelIntegrityError(f"{message}; register the version again")
    return VersionContent(config=config, record=record)


def _search_tags(config: StrategyConfig, record: ModelRecord) -> dict[str, str]:
    tags = {
        "tradai.kind": record.kind.value,
        "tradai.strategy": config.name,
        "tradai.strategy_version": config.version,
        "tradai.timeframe": config.timeframe,
        "tradai.config_id": record.config_id,
        "tradai.run": record.run_id or "",
        "tradai.image": record.image or "",
        **{f"tradai.digest.{name}": value for name, value in record.digests.items()},
    }
    return {name: value for name, value in tags.items() if value}


def _check_schema(schema: str | None, place: str) -> None:
    if schema is None:
        message = f"{place} has no tag {_SCHEMA}: it was not registered by tradai"
        raise ModelIntegrityError(f"{message}; register it with `tradai-entrypoint models`")
    if schema != str(SCHEMA_VERSION):
        message = f"{place} has another schema than {SCHEMA_VERSION}: a later tradai registered it"
        raise ModelIntegrityError(f"{message}; upgrade tradai-mlflow here")


def _parsed(model: type[M], text: str, place: str) -> M:
    try:
        return model.model_validate(json.loads(text))
    except ValueError as exc:
        problem = "it is not JSON"
        if isinstance(exc, pydantic.ValidationError):
            first = exc.errors(include_url=False)[0]
            path = ".".join(map(str, first["loc"]))
            problem = f"{path} {error_sentence(first)}"
        message = f"{place} cannot be used: its {model.__name__} is not valid: {problem}"
        raise ModelIntegrityError(f"{message}; register the version again") from None

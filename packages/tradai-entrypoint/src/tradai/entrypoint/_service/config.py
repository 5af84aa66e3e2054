"""Configuration of a service: a YAML file and overrides, as a read-only OmegaConf tree."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from tradai.core import JsonValue, parse_override, read_yaml_value
from tradai.core.exceptions import ConfigurationError
from tradai.entrypoint._service.config_guard import read_file, read_values, refuse_code

_KEY: Final = re.compile(r"[\w-]+(?:\.[\w-]+|\[[0-9]+\])*")


def read_service_config(path: str | Path | None, overrides: Sequence[str]) -> DictConfig:
    """Return the configuration at `path`, if any, with `overrides` applied.

    Raises:
        ConfigurationError: A file or an override is not valid, or an override does not fit.
        NotFoundError: The file at `path` does not exist.
        StorageError: A file cannot be read.
    """
    source = "overrides" if path is None else str(path)
    values = {} if path is None else read_values(read_file(Path(path)), source=source)
    if path is not None and isinstance(values.get("defaults"), list):
        tree = _compose(Path(path), overrides)
    else:
        tree = _with_overrides(values, overrides, source=source)
    _require_complete(tree, source=source)
    OmegaConf.set_readonly(tree, value=True)
    return tree


def _compose(path: Path, overrides: Sequence[str]) -> DictConfig:
    try:
        from tradai.entrypoint._service.hydra_compose import compose
    except ModuleNotFoundError as exc:
        if exc.name is None or not exc.name.startswith("hydra"):
            raise
    else:
        return compose(path, overrides)
    raise ConfigurationError(
        f"{path}: a `defaults:` list is composed by Hydra, which is not installed: install "
        "tradai-entrypoint[hydra], or write the configuration out in one file",
        key="defaults",
        source=str(path),
    )


def _with_overrides(
    values: Mapping[str, JsonValue], overrides: Sequence[str], *, source: str
) -> DictConfig:
    tree = OmegaConf.create(dict(values))
    for number, override in enumerate(overrides, start=1):
        key, value = _parse(override, place=f"override {number}")
        try:
            OmegaConf.update(tree, key, value, force_add=True)
        except (OmegaConfBaseException, ValueError):
            problem = "does not fit the present value: check the types of both"
        else:
            continue
        raise ConfigurationError(f"{source}: override {key!r} {problem}", key=key, source=source)
    return tree


def _parse(override: str, *, place: str) -> tuple[str, JsonValue]:
    key, text = parse_override(override, place=place)
    # An override may be a secret in the wrong place, so only a good key is ever named.
    if not _KEY.fullmatch(key):
        message = f"{place} has a key that is not dotted names; write KEY=VALUE, as in db.port=5432"
        raise ConfigurationError(message, source=place)
    value = read_yaml_value(text, source=f"override {key}")
    refuse_code({key: value}, source="overrides")
    return key, value


def _require_complete(tree: DictConfig, *, source: str) -> None:
    """Refuse code that overrides put together, missing values, and references to no value."""
    refuse_code(OmegaConf.to_container(tree, resolve=False), source=source)
    try:
        OmegaConf.to_container(tree, resolve=True, throw_on_missing=True)
    except MissingMandatoryValue as exc:
        key, problem = exc.full_key, "is marked ??? and not set: give it in a file or an override"
    except OmegaConfBaseException as exc:
        key, problem = exc.full_key, "refers to no value: ${...} takes the dotted key of one"
    else:
        return
    raise ConfigurationError(f"{source}: {key} {problem}", key=key, source=source)

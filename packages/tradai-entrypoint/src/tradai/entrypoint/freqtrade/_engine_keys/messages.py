"""Secrets of the engine's messages, resolved for its standard input alone."""

from collections.abc import Mapping
from typing import cast

from tradai.core import JsonValue, SecretReference, resolve_secret
from tradai.entrypoint.freqtrade._engine_keys.ownership import SECRETS


def message_sections(config: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Return the sections of messages in the planned `config`, with their secrets.

    They belong to one process, and are in no plan, file, argument or environment.

    Raises:
        ConfigurationError: No installed distribution serves a reference, or its source refused it.
        NotFoundError: A secret does not exist.
        ExternalServiceError: A source refused or did not answer.
    """
    return {
        name: _resolved(cast("Mapping[str, JsonValue]", config[name]), keys)
        for name, keys in SECRETS.items()
        if name in config
    }


def _resolved(section: Mapping[str, JsonValue], keys: tuple[str, ...]) -> dict[str, JsonValue]:
    secrets = {key: resolve_secret(SecretReference(str(section[key]))).reveal() for key in keys}
    return {**section, **secrets}

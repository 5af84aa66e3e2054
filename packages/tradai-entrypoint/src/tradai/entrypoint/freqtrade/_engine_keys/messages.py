"""Secrets of the engine's messages, resolved for its standard input alone."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Self, cast, final
from urllib.parse import urlsplit

from tradai.core import JsonValue, Secret, SecretReference, resolve_secret
from tradai.core.exceptions import ConfigurationError
from tradai.entrypoint.freqtrade._engine_keys.ownership import SECRETS

_URL: Final = (re.compile(r"https?://[^/\s]+\S*"), "a URL such as https://HOST/PATH")
_SHORT: Final = 5
# Otherwise the engine would ask Telegram three times, and then send nothing.
_FORMS: Final = {
    "discord.webhook_url": _URL,
    "telegram.chat_id": (re.compile(r"-?[0-9]+|@\w+"), "the number of a chat, or @CHANNEL"),
    "telegram.token": (re.compile(r"[0-9]+:[A-Za-z0-9_-]{20,}"), "a token such as 123456:AbC..."),
    "webhook.url": _URL,
}


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class EngineMessages:
    """The messages of one engine; its secrets are masked in texts as long as this object is kept.

    Attributes:
        sections: Sections of the engine's configuration, with their secrets: they belong to one
            process, and are in no plan, file, argument or environment.
        secrets: Each secret, and the path of each URL, which the engine logs alone.
    """

    sections: Mapping[str, JsonValue]
    secrets: tuple[Secret, ...]

    @classmethod
    def resolve(cls, config: Mapping[str, JsonValue]) -> Self:
        """Return the messages of the planned `config`.

        Raises:
            ConfigurationError: No installed distribution serves a reference, its source refused it,
                or the secret has another form than the engine needs.
            NotFoundError: A secret does not exist.
            ExternalServiceError: A source refused or did not answer.
        """
        sections: dict[str, JsonValue] = {}
        secrets: list[Secret] = []
        for name, section in _sections(config):
            resolved = {key: _resolved(f"{name}.{key}", section[key]) for key in SECRETS[name]}
            sections[name] = {**section, **{key: each.reveal() for key, each in resolved.items()}}
            secrets += [*resolved.values(), *_paths(resolved)]
        return cls(sections=sections, secrets=tuple(secrets))


def message_references(config: Mapping[str, JsonValue]) -> Iterator[tuple[str, str]]:
    """Yield the path of each secret in the messages of the planned `config`, and its reference."""
    for name, section in _sections(config):
        yield from ((f"{name}.{key}", str(section[key])) for key in SECRETS[name])


def check_reference(path: str, reference: str) -> str:
    """Resolve the secret at `path`, and return the key that names it; the secret is not kept.

    Raises:
        TradAIError: As `EngineMessages.resolve`.
    """
    _resolved(path, reference)
    return f"by engine.{path}"


def _sections(config: Mapping[str, JsonValue]) -> Iterator[tuple[str, Mapping[str, JsonValue]]]:
    for name in SECRETS:
        if name in config:
            yield name, cast("Mapping[str, JsonValue]", config[name])


def _resolved(path: str, reference: JsonValue) -> Secret:
    secret = resolve_secret(SecretReference(str(reference)))
    form, shown = _FORMS[path]
    if not form.fullmatch(secret.reveal()):
        message = f"engine.{path}: the secret {reference} is not {shown}"
        raise ConfigurationError(message, key=f"engine.{path}")
    return secret


def _paths(resolved: Mapping[str, Secret]) -> Iterator[Secret]:
    for secret in resolved.values():
        if _URL[0].fullmatch(secret.reveal()):
            parts = urlsplit(secret.reveal())
            # Of a shorter one, the mask would be in words.
            yield from (Secret(each) for each in (parts.path, parts.query) if len(each) > _SHORT)

"""Recorded answers of an exchange, found again by the request that they answer."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Final, final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from pydantic import BaseModel, ConfigDict, field_validator

from tradai.core import canonical_json, redact

# Some clients send the time of the request, which is another one in each run.
_CHANGING: Final = frozenset({"timestamp"})
# Names under which exchanges send the time of an answer, beside what it answers.
_SENT_AT: Final = frozenset({"requestTime", "serverTime", "time", "timestamp", "ts"})
# Marks of a request that is made for an account: words of names in its query and its body, parts
# of its path.
_KEY: Final = re.compile(
    r"(?:access|api|listen|private|public|secret)?key(?:id)?|secret|sig|sign(?:ed|ature)?"
    r"|(?:access|auth)?token|pass(?:phrase|word)"
)
_OF_ACCOUNT: Final = frozenset(
    {"account", "accounts", "balance", "balances", "order", "orders"}
    | {"position", "positions", "private", "user", "users"}
)

# Of api_key, apiKey and API-KEY, each is two.
_WORD: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")

_Key = tuple[str, bytes]


@final
class _Number(str):
    """A number by its digits; it is shown without the quotes that every text has."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


@final
class RecordedAnswer(BaseModel):
    """A public request of the engine's client, and what the exchange answered.

    Attributes:
        url: Address at the exchange itself, with its query.
        body: Body of a POST request, which is JSON; empty for GET.
        text: The answer, which is JSON, as it was sent: the engine's client reads the digits of
            its numbers.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str
    body: str = ""
    text: str

    @property
    def content(self) -> dict[str, str]:
        """Request and answer without the times at which they were sent."""
        return {"url": _without_time(self.url), "body": self.body, "text": _timeless(self.text)}

    @field_validator("url")
    @classmethod
    def _is_public(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme != "https" or parts.fragment:
            message = "the address of an answer is not one of an exchange: expected https://..."
            raise ValueError(message)
        if _is_signed(_names_of(parts.query)) or redact(url) != url:
            # The address is not quoted, since it has a key.
            message = "an answer belongs to an account: its address has a key or a signature"
            raise ValueError(message)
        if private := _OF_ACCOUNT & set(parts.path.lower().split("/")):
            message = f"an answer belongs to an account: its address has the part /{min(private)}/"
            raise ValueError(message)
        return url

    @field_validator("body")
    @classmethod
    def _is_of_all(cls, body: str) -> str:
        names = list(_names(body))
        if _is_signed(names) or redact(body) != body:
            message = (
                "an answer belongs to an account: the body asked with has a key or a signature"
            )
            raise ValueError(message)
        if private := _OF_ACCOUNT.intersection(map(str.lower, names)):
            message = f"an answer belongs to an account: the body asked with names {min(private)}"
            raise ValueError(message)
        return body

    @field_validator("text")
    @classmethod
    def _is_json(cls, text: str) -> str:
        try:
            json.loads(text)
        # Deep nesting is a RecursionError.
        except (ValueError, RecursionError):
            message = "an answer is not whole JSON"
            raise ValueError(message) from None
        return text


@final
class RecordedAnswers:
    """Finds the answer to a request."""

    def __init__(self, answers: Iterable[RecordedAnswer]) -> None:
        """Take the answers; of two to the same request, the later one counts."""
        self._answers = {_key(each.url, each.body): each for each in answers}

    def find(self, url: str, body: str = "") -> RecordedAnswer | None:
        """Return the answer to a request for `url` with `body`; None when it is not recorded."""
        return self._answers.get(_key(url, body))


def missing_answer(address: str, *, exchange: str, note: str | None) -> str:
    """Return the sentence that market rules have no answer of `exchange` at `address`.

    `note` is theirs: the libraries with which they were captured.
    """
    return (
        f"the market rules have no answer of {exchange} at {address}: they were captured with "
        f"{note}, so capture them again with the engine that runs"
    )


def _is_signed(names: Iterable[str]) -> bool:
    return any(_KEY.fullmatch(word.lower()) for name in names for word in _WORD.findall(name))


def _names(body: str) -> Iterator[str]:
    """Yield the names in `body`, at any depth: JSON, or a form."""
    try:
        waiting = [json.loads(body)]
    except (ValueError, RecursionError):
        yield from _names_of(body)
        return
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            yield from value
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value


def _names_of(form: str) -> list[str]:
    return [name for name, _ in parse_qsl(form, keep_blank_values=True)]


def _key(url: str, body: str) -> _Key:
    return _without_time(url), _canonical(body)


def _without_time(url: str) -> str:
    parts = urlsplit(url)
    sent = parse_qsl(parts.query, keep_blank_values=True)
    query = urlencode([(name, value) for name, value in sent if name not in _CHANGING])
    return urlunsplit(parts._replace(query=query))


def _timeless(text: str) -> str:
    """Return an answer without the number that is the time of its sending, if it has one."""
    try:
        # The digits of a number count, and a text of the same digits is another value.
        values = json.loads(text, parse_float=_Number, parse_int=_Number)
        if stamps := _stamps(values):
            return ascii({name: values[name] for name in values if name not in stamps})
    # Deep nesting.
    except RecursionError:
        pass
    return text


def _stamps(values: object) -> set[str]:
    if not isinstance(values, dict):
        return set()
    return {name for name in _SENT_AT.intersection(values) if str(values[name]).isdecimal()}


def _canonical(body: str) -> bytes:
    """Return `body` without the differences that mean nothing in JSON."""
    try:
        return canonical_json(json.loads(body))
    except (ValueError, RecursionError):
        return body.encode()

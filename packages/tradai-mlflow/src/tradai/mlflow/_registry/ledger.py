"""The ledger of an alias: every promotion and rollback, in tags that are added and never changed.

An entry holds the digest of the one before it, and its tag is named after its own digest. So an
entry that was changed shows, and so does one that was removed, unless it was the last; two
promotions that were made at once show as well.
"""

import itertools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Final, Literal, Self, final

import pydantic
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, PositiveInt

from tradai.core import canonical_json, digest
from tradai.core.exceptions import NotFoundError
from tradai.mlflow._registry.errors import ModelIntegrityError
from tradai.mlflow._registry.record import Sha256

_PREFIX: Final = "tradai.ledger."
_NAME: Final = re.compile(r"tradai\.ledger\.([0-9]{6,})\.([0-9a-f]{16})")
_NAMED_DIGITS: Final = 16
_FEWEST_FOR_ROLLBACK: Final = 2


@final
class LedgerEntry(BaseModel):
    """One promotion or rollback.

    Attributes:
        sequence: Number of the entry, from 1.
        before: Version that the alias pointed at; None when it was not set.
        after: Version that it was moved to.
        by: Name of the person or job that moved it.
        report: Digest of the report of the gates.
        fencing_token: Token of the lease that was held; None when none was, so that the move was
            not atomic.
        previous: Digest of the entry before this one.
    """

    model_config = ConfigDict(frozen=True)

    schema_version: Literal[1] = 1
    sequence: PositiveInt
    at: AwareDatetime
    action: Literal["promote", "rollback"]
    alias: str
    before: int | None
    after: int
    by: Annotated[str, Field(max_length=200)] = ""
    report: Sha256 | None = None
    fencing_token: int | None = None
    previous: Sha256 | None = None

    @property
    def digest(self) -> str:
        """SHA-256 of the entry, in hex."""
        return digest(self.model_dump(mode="json"))

    def tag(self) -> tuple[str, str]:
        """Return the name and the value of the tag that keeps the entry."""
        name = f"{_PREFIX}{self.sequence:06}.{self.digest[:_NAMED_DIGITS]}"
        return name, canonical_json(self.model_dump(mode="json")).decode()


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """The entries of a model, oldest first, and what is wrong with them.

    Attributes:
        entries: Entries that can be read.
        problems: A sentence for each entry that is damaged, missing, or made at once with another.
    """

    entries: tuple[LedgerEntry, ...]
    problems: tuple[str, ...]

    @classmethod
    def from_tags(cls, tags: Mapping[str, str]) -> Self:
        """Return the ledger in the tags of a model."""
        entries: list[LedgerEntry] = []
        problems: list[str] = []
        for name in sorted(name for name in tags if name.startswith(_PREFIX)):
            entry = _read(name, tags[name])
            if entry is None:
                problems.append(f"the ledger entry {name} is damaged")
            else:
                entries.append(entry)
        entries.sort(key=lambda entry: (entry.sequence, entry.at))
        return cls(entries=tuple(entries), problems=(*problems, *_chain_problems(entries)))

    @property
    def next_sequence(self) -> int:
        """Number of the next entry."""
        return self.entries[-1].sequence + 1 if self.entries else 1

    @property
    def last_digest(self) -> str | None:
        """Digest of the last entry; None without one."""
        return self.entries[-1].digest if self.entries else None

    def is_unrivalled(self, entry: LedgerEntry) -> bool:
        """Tell whether `entry` is the only one of its number."""
        same = [each.digest for each in self.entries if each.sequence == entry.sequence]
        return same == [entry.digest]

    def rollback_target(self, alias: str, current: int | None) -> int:
        """Return the version that `alias` pointed at before it was promoted to `current`.

        A rollback undoes a promotion, so a second one goes back one promotion further.

        Raises:
            ModelIntegrityError: An entry is damaged, missing, or was made at once with another.
            NotFoundError: The ledger has no such version.
        """
        if self.problems:
            message = (
                f"{alias} cannot be rolled back, because {'; '.join(self.problems)}: promote the "
                "version that is right by its number, or restore the tag of the entry"
            )
            raise ModelIntegrityError(message)
        history = self._history(alias)
        _come_to(history, current)
        target = history[-2] if len(history) >= _FEWEST_FOR_ROLLBACK else None
        if target is None or current is None:
            message = f"the ledger has no version that {alias} pointed at before; promote one"
            raise NotFoundError(message, kind="model version", key=alias)
        return target

    def _history(self, alias: str) -> list[int | None]:
        """Return the versions that promotions have set, without those that were rolled back."""
        history: list[int | None] = []
        for entry in self.entries:
            if entry.alias != alias:
                continue
            # An entry is written before its alias is moved, and the move may not have come. So
            # the next one says where the alias was, also after a rollback.
            _come_to(history, entry.before)
            # A promotion that is repeated moves nothing, so there is nothing to go back to.
            if entry.action == "promote" and entry.after != entry.before:
                history.append(entry.after)
        return history


def _come_to(history: list[int | None], version: int | None) -> None:
    """Make `version` the last one: by going back to it, or else by adding it."""
    if version in history:
        while history[-1] != version:
            history.pop()
    else:
        history.append(version)


def _read(name: str, value: str) -> LedgerEntry | None:
    match = _NAME.fullmatch(name)
    try:
        entry = LedgerEntry.model_validate(json.loads(value))
    except (ValueError, pydantic.ValidationError):
        return None
    is_named = match and (int(match[1]), match[2]) == (entry.sequence, entry.digest[:_NAMED_DIGITS])
    return entry if is_named else None


def _chain_problems(entries: list[LedgerEntry]) -> Iterator[str]:
    by_sequence = {
        sequence: list(same)
        for sequence, same in itertools.groupby(entries, key=lambda entry: entry.sequence)
    }
    digests = {entry.digest for entry in entries}
    for sequence, same in by_sequence.items():
        if len(same) > 1:
            yield f"{len(same)} ledger entries have number {sequence}: they were made at once"
        for entry in same:
            if entry.sequence == 1 and entry.previous is None:
                continue
            if entry.previous not in digests:
                yield f"the ledger entry before number {sequence} is missing or was changed"

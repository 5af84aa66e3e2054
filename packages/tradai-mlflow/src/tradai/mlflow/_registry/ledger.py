"""The ledger of an alias: every promotion and rollback, in tags that are added and never changed.

An entry holds the digest of the one before it, and its tag is named after its alias, its number and
its own digest. So an entry that was changed shows, and so does one that was removed, unless it was
the last; two promotions that were made at once show as well.
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
_NAME: Final = re.compile(r"tradai\.ledger\.([^.]*)\.([0-9]{6,})\.([0-9a-f]{16})")
_NAMED_DIGITS: Final = 16
_FEWEST_FOR_ROLLBACK: Final = 2


@final
class LedgerEntry(BaseModel):
    """One promotion or rollback.

    Attributes:
        sequence: Number of the entry among those of its alias, from 1.
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
        name = f"{_PREFIX}{self.alias}.{self.sequence:06}.{self.digest[:_NAMED_DIGITS]}"
        return name, canonical_json(self.model_dump(mode="json")).decode()


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerProblem:
    """An entry that is damaged, missing, or was made at once with another.

    Attributes:
        sequence: Number of that entry; None when its tag does not say it.
        sentence: A sentence for people.
    """

    sequence: int | None
    sentence: str


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """The entries of an alias, oldest first, and what is wrong with them."""

    alias: str
    entries: tuple[LedgerEntry, ...]
    problems: tuple[LedgerProblem, ...]

    @classmethod
    def from_tags(cls, tags: Mapping[str, str], alias: str) -> Self:
        """Return the ledger of `alias` in the tags of a model."""
        entries: list[LedgerEntry] = []
        damaged: list[LedgerProblem] = []
        for name in sorted(name for name in tags if _alias_of(name) == alias):
            entry = _read(name, tags[name])
            if entry is None:
                damaged.append(_damage(name))
            else:
                entries.append(entry)
        entries.sort(key=lambda entry: (entry.sequence, entry.at))
        problems = (*damaged, *_chain_problems(entries))
        return cls(alias=alias, entries=tuple(entries), problems=problems)

    @classmethod
    def all_from_tags(cls, tags: Mapping[str, str]) -> "tuple[Ledger, ...]":
        """Return the ledgers of all aliases in the tags of a model."""
        aliases = {alias for name in tags if (alias := _alias_of(name)) is not None}
        return tuple(cls.from_tags(tags, alias) for alias in sorted(aliases))

    @property
    def next_sequence(self) -> int:
        """Number of the next entry, behind the damaged ones too."""
        entries = [entry.sequence for entry in self.entries]
        return max([*entries, *self._problem_numbers()], default=0) + 1

    @property
    def last_digest(self) -> str | None:
        """Digest of the last entry; None without one."""
        return self.entries[-1].digest if self.entries else None

    def is_last(self, entry: LedgerEntry) -> bool:
        """Tell whether `entry` is the last one, and the only one of its number."""
        return [each for each in self.entries if each.sequence >= entry.sequence] == [entry]

    def rollback_target(self, current: int | None) -> int:
        """Return the version that the alias pointed at before it was promoted to `current`.

        A rollback undoes a promotion, so a second one goes back one promotion further. Only the
        entries behind the last problem count.

        Raises:
            ModelIntegrityError: They do not say it, because of an earlier one that is damaged,
                missing, or was made at once with another.
            NotFoundError: The ledger has no such version.
        """
        history = self._history()
        if self.problems and current not in history:
            history.clear()
        _come_to(history, current)
        target = history[-2] if len(history) >= _FEWEST_FOR_ROLLBACK else None
        if target is not None and current is not None:
            return target
        if self.problems:
            reasons = "; ".join(problem.sentence for problem in self.problems)
            message = (
                f"{self.alias} cannot be rolled back, because {reasons}: promote the version that "
                "is right by its number, or restore the tag of the entry"
            )
            raise ModelIntegrityError(message)
        message = f"the ledger has no version that {self.alias} pointed at before; promote one"
        raise NotFoundError(message, kind="model version", key=self.alias)

    def _history(self) -> list[int | None]:
        """Return the versions that promotions have set, without those that were rolled back."""
        history: list[int | None] = []
        for entry in self._sound_entries():
            # An entry is written before its alias is moved, and the move may not have come. So
            # the next one says where the alias was, also after a rollback.
            _come_to(history, entry.before)
            # A promotion that is repeated moves nothing, so there is nothing to go back to.
            if entry.action == "promote" and entry.after != entry.before:
                history.append(entry.after)
        return history

    def _sound_entries(self) -> tuple[LedgerEntry, ...]:
        """Return the entries behind the last problem."""
        if any(problem.sequence is None for problem in self.problems):
            return ()
        last = max(self._problem_numbers(), default=0)
        return tuple(entry for entry in self.entries if entry.sequence > last)

    def _problem_numbers(self) -> Iterator[int]:
        return (each.sequence for each in self.problems if each.sequence is not None)


def _alias_of(name: str) -> str | None:
    """Return the alias that the name of a tag is about; None for a tag of another kind."""
    if not name.startswith(_PREFIX):
        return None
    return name.removeprefix(_PREFIX).partition(".")[0]


def _damage(name: str) -> LedgerProblem:
    match = _NAME.fullmatch(name)
    sentence = f"the ledger entry {name} is damaged"
    return LedgerProblem(sequence=int(match[2]) if match else None, sentence=sentence)


def _come_to(history: list[int | None], version: int | None) -> None:
    """Make `version` the last one: by going back to it, or else by adding it."""
    if version in history:
        while history[-1] != version:
            history.pop()
    else:
        history.append(version)


def _read(name: str, value: str) -> LedgerEntry | None:
    try:
        entry = LedgerEntry.model_validate(json.loads(value))
    except (ValueError, pydantic.ValidationError):
        return None
    return entry if name == entry.tag()[0] else None


def _chain_problems(entries: list[LedgerEntry]) -> Iterator[LedgerProblem]:
    digests = {entry.digest for entry in entries}
    for sequence, same in itertools.groupby(entries, key=lambda entry: entry.sequence):
        rivals = list(same)
        if len(rivals) > 1:
            at_once = f"{len(rivals)} ledger entries have number {sequence}: they were made at once"
            yield LedgerProblem(sequence=sequence, sentence=at_once)
        if any(not _follows(entry, digests) for entry in rivals):
            missing = f"the ledger entry before number {sequence} is missing or was changed"
            yield LedgerProblem(sequence=sequence - 1, sentence=missing)


def _follows(entry: LedgerEntry, digests: set[str]) -> bool:
    """Tell whether `entry` is the first one, or comes after one with one of `digests`."""
    if entry.sequence == 1 and entry.previous is None:
        return True
    return entry.previous in digests

"""The fakes keep their promises, and every suite catches implementations that do not."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from tradai.core import (
    JournalEntry,
    JsonValue,
    LeaseStore,
    MemoryStore,
    ObjectInfo,
    RunJournal,
    Secret,
    SecretSource,
    StoredObject,
)
from tradai.core.exceptions import ConfigurationError, NotFoundError
from tradai.core.testing import (
    LeaseContract,
    MemoryJournal,
    MemoryLeaseStore,
    ObjectStoreContract,
    RunJournalContract,
    ScriptedSecrets,
    SecretSourceContract,
    failing_tests,
)

KNOWN = ("script:known", "fake-scripted-value")
SCRIPT = {KNOWN[0]: KNOWN[1], "script:empty": ""}


class TestMemoryJournal(RunJournalContract):
    @pytest.fixture
    def journal(self) -> RunJournal:
        return MemoryJournal()


class TestScriptedSecrets(SecretSourceContract):
    @pytest.fixture
    def source(self) -> SecretSource:
        return ScriptedSecrets(SCRIPT)

    @pytest.fixture
    def known(self) -> tuple[str, str]:
        return KNOWN

    @pytest.fixture
    def missing(self) -> str:
        return "script:absent"

    @pytest.fixture
    def empty(self) -> str:
        return "script:empty"


def test_scripted_secrets_record_requests_and_raise_scripted_errors() -> None:
    refusal = ConfigurationError("the vault is closed; open it")
    source = ScriptedSecrets({"script:closed": refusal})

    with pytest.raises(ConfigurationError) as caught:
        source.resolve("script:closed")

    assert caught.value is refusal
    assert source.asked == ["script:closed"]


class RightStore:
    """Keeps every promise; each planted store below breaks one."""

    def __init__(self) -> None:
        self.inner = MemoryStore()

    def read(self, uri: str) -> StoredObject:
        return self.inner.read(uri)

    def write(
        self, uri: str, data: bytes, *, if_match: str | None = None, if_absent: bool = False
    ) -> str:
        return self.inner.write(uri, data, if_match=if_match, if_absent=if_absent)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        return self.inner.list(prefix)

    def delete(self, uri: str) -> None:
        self.inner.delete(uri)

    def stat(self, uri: str) -> ObjectInfo:
        return self.inner.stat(uri)

    def copy(self, source: str, target: str) -> str:
        return self.inner.copy(source, target)


class StoreThatForgetsIfAbsent(RightStore):
    def write(
        self, uri: str, data: bytes, *, if_match: str | None = None, if_absent: bool = False
    ) -> str:
        del if_absent
        return super().write(uri, data, if_match=if_match)


class StoreThatForgetsIfMatch(RightStore):
    def write(
        self, uri: str, data: bytes, *, if_match: str | None = None, if_absent: bool = False
    ) -> str:
        del if_match
        return super().write(uri, data, if_absent=if_absent)


class StoreThatLooksBeforeItLeaps(RightStore):
    """Checks and writes in two steps; the barrier has all racers check before one writes."""

    def __init__(self) -> None:
        super().__init__()
        self.barrier = threading.Barrier(4)

    def write(
        self, uri: str, data: bytes, *, if_match: str | None = None, if_absent: bool = False
    ) -> str:
        present = any(info.uri == uri for info in self.inner.list(uri))
        is_racer = threading.current_thread() is not threading.main_thread()
        if if_absent and is_racer:
            self.barrier.wait(60)
        return super().write(uri, data, if_match=if_match, if_absent=if_absent and present)


class StoreThatTagsByLength(RightStore):
    def read(self, uri: str) -> StoredObject:
        found = super().read(uri)
        return replace(found, etag=str(len(found.data)))


class StoreThatListsFolders(RightStore):
    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        folder = prefix if prefix.endswith(":") else f"{prefix}/"
        return super().list(folder)


class StoreThatTagsByTime(RightStore):
    """Describes an object by the tag that other servers of its kind would make up."""

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        found = super().list(prefix)
        return (replace(info, etag=info.modified.isoformat()) for info in found)

    def stat(self, uri: str) -> ObjectInfo:
        info = super().stat(uri)
        return replace(info, etag=info.modified.isoformat())


class StoreThatUnquotesTagsInListings(RightStore):
    """Tags with quotes in `read`, as S3 does, and without them elsewhere."""

    def read(self, uri: str) -> StoredObject:
        found = super().read(uri)
        return replace(found, etag=f'"{found.etag}"')

    def write(
        self, uri: str, data: bytes, *, if_match: str | None = None, if_absent: bool = False
    ) -> str:
        match = if_match and if_match.strip('"')
        return f'"{super().write(uri, data, if_match=match, if_absent=if_absent)}"'

    def copy(self, source: str, target: str) -> str:
        return f'"{super().copy(source, target)}"'


class StoreThatReadsNothingAsEmpty(RightStore):
    def read(self, uri: str) -> StoredObject:
        try:
            return super().read(uri)
        except NotFoundError:
            return StoredObject(data=b"", etag="")


class StoreThatMissesWhatItDeletes(RightStore):
    def delete(self, uri: str) -> None:
        super().stat(uri)
        super().delete(uri)


class RightJournal:
    """Keeps every promise; each planted journal below breaks one."""

    def __init__(self) -> None:
        self.inner = MemoryJournal()

    def append(self, event: str, /, **facts: JsonValue) -> None:
        self.inner.append(event, **facts)

    def entries(self) -> Iterator[JournalEntry]:
        return self.inner.entries()

    def close(self) -> None:
        self.inner.close()


class JournalThatCountsFromZero(RightJournal):
    def entries(self) -> Iterator[JournalEntry]:
        return (replace(entry, sequence=entry.sequence - 1) for entry in super().entries())


class JournalOnLocalTime(RightJournal):
    def entries(self) -> Iterator[JournalEntry]:
        return (replace(entry, at=entry.at.replace(tzinfo=None)) for entry in super().entries())


class JournalThatKeepsWhatItIsGiven(RightJournal):
    def __init__(self) -> None:
        super().__init__()
        self.facts: list[dict[str, JsonValue]] = []

    def append(self, event: str, /, **facts: JsonValue) -> None:
        self.facts.append(facts)
        super().append(event)

    def entries(self) -> Iterator[JournalEntry]:
        found = zip(super().entries(), self.facts, strict=True)
        return (replace(entry, facts=facts) for entry, facts in found)


class JournalThatIsReadOnce(RightJournal):
    def __init__(self) -> None:
        super().__init__()
        self.read = 0

    def entries(self) -> Iterator[JournalEntry]:
        for entry in list(super().entries())[self.read :]:
            self.read += 1
            yield entry


class SourceThatTellsInItsErrors:
    def resolve(self, reference: str) -> Secret:
        if reference in SCRIPT:
            return ScriptedSecrets(SCRIPT).resolve(reference)
        message = f"there is no secret {reference}; write it first"
        raise NotFoundError(message, kind="secret", key=reference)


class SourceWithADefault:
    def resolve(self, reference: str) -> Secret:
        return Secret(SCRIPT.get(reference) or "fake-default")


class SourceOfSomethingElse:
    def resolve(self, reference: str) -> Secret:
        secret = ScriptedSecrets(SCRIPT).resolve(reference)
        return Secret(f" {secret.reveal()}")


class PlainText(str):
    """A value that is always shown."""

    __slots__ = ()

    def reveal(self) -> str:
        return str(self)


class SourceOfPlainText:
    def resolve(self, reference: str) -> PlainText:
        return PlainText(ScriptedSecrets(SCRIPT).resolve(reference).reveal())


class RightLeaseStore:
    """Keeps every promise; each planted place of a lease below breaks one."""

    def __init__(self) -> None:
        self.inner = MemoryLeaseStore()

    def read(self) -> StoredObject | None:
        return self.inner.read()

    def replace(self, data: bytes, *, expected: str | None) -> str:
        return self.inner.replace(data, expected=expected)

    def overwrite(self, data: bytes) -> str:
        found = self.inner.read()
        return self.inner.replace(data, expected=found and found.etag)


class LeaseStoreThatForgetsToCompare(RightLeaseStore):
    def replace(self, data: bytes, *, expected: str | None) -> str:
        return self.overwrite(data) if expected else super().replace(data, expected=None)


class LeaseStoreThatOverwritesWithTheFirst(RightLeaseStore):
    def replace(self, data: bytes, *, expected: str | None) -> str:
        return super().replace(data, expected=expected) if expected else self.overwrite(data)


class LeaseStoreThatLooksBeforeItLeaps(RightLeaseStore):
    """Compares and writes in two steps; the barrier has all racers compare before one writes."""

    def __init__(self) -> None:
        super().__init__()
        self.barrier = threading.Barrier(4)

    def replace(self, data: bytes, *, expected: str | None) -> str:
        found = self.inner.read()
        if threading.current_thread() is threading.main_thread():
            return super().replace(data, expected=expected)
        self.barrier.wait(60)
        is_expected = (found and found.etag) == expected
        return self.overwrite(data) if is_expected else super().replace(data, expected=expected)


class LeaseStoreThatTagsByLength(RightLeaseStore):
    """Holds the true tag back, so that a replacement finds the bytes."""

    def read(self) -> StoredObject | None:
        found = super().read()
        return found and replace(found, etag=str(len(found.data)))

    def replace(self, data: bytes, *, expected: str | None) -> str:
        found, shown = self.inner.read(), self.read()
        is_expected = (shown and shown.etag) == expected
        super().replace(data, expected=found and found.etag if is_expected else "another")
        return str(len(data))


class LeaseStoreThatTagsByTime(RightLeaseStore):
    """Shows another tag at each reading; it takes the last one back."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = 0

    def read(self) -> StoredObject | None:
        found = super().read()
        self.reads += 1
        return found and replace(found, etag=f"{found.etag}-{self.reads}")

    def replace(self, data: bytes, *, expected: str | None) -> str:
        return super().replace(data, expected=expected and expected.partition("-")[0])


class LeaseStoreThatCreatesWhatIsGone(RightLeaseStore):
    def replace(self, data: bytes, *, expected: str | None) -> str:
        return super().replace(data, expected=expected if self.inner.read() else None)


STORES: dict[type, str] = {
    StoreThatForgetsIfAbsent: "test_if_absent_never_overwrites",
    StoreThatForgetsIfMatch: "test_if_match_overwrites_only_what_was_read",
    StoreThatLooksBeforeItLeaps: "test_one_racer_creates_an_object",
    StoreThatTagsByLength: "test_a_written_object_is_read_back",
    StoreThatListsFolders: "test_list_is_by_prefix_and_sorted",
    StoreThatTagsByTime: "test_a_tag_without_the_bytes_is_that_of_the_bytes",
    StoreThatUnquotesTagsInListings: "test_a_tag_without_the_bytes_is_that_of_the_bytes",
    StoreThatReadsNothingAsEmpty: "test_an_absent_object_is_not_found",
    StoreThatMissesWhatItDeletes: "test_deleting_an_absent_object_is_allowed",
}
JOURNALS: dict[type, str] = {
    JournalThatCountsFromZero: "test_entries_come_back_in_order_and_numbered",
    JournalOnLocalTime: "test_entries_are_dated_in_utc",
    JournalThatKeepsWhatItIsGiven: "test_secrets_are_masked",
    JournalThatIsReadOnce: "test_entries_can_be_read_again_and_while_writing",
}
SOURCES: dict[type, str] = {
    SourceThatTellsInItsErrors: "test_a_value_in_place_of_its_reference_is_refused_and_not_shown",
    SourceWithADefault: "test_a_missing_secret_is_not_found",
    SourceOfSomethingElse: "test_a_reference_gives_its_value",
    SourceOfPlainText: "test_a_secret_never_shows_itself",
}

LEASE_STORES: dict[type, str] = {
    LeaseStoreThatTagsByTime: "test_the_lease_of_a_killed_holder_is_free_after_its_time_to_live",
    LeaseStoreThatForgetsToCompare: "test_only_the_bytes_that_were_read_are_replaced",
    LeaseStoreThatOverwritesWithTheFirst: "test_the_first_write_never_overwrites",
    LeaseStoreThatLooksBeforeItLeaps: "test_one_racer_creates",
    LeaseStoreThatTagsByLength: "test_different_bytes_have_different_tags",
    LeaseStoreThatCreatesWhatIsGone: "test_a_replacement_never_creates",
}


def _store(make: type) -> set[str]:
    return failing_tests(ObjectStoreContract, {"store": make, "base": lambda: "memory:"})


def _journal(make: type) -> set[str]:
    return failing_tests(RunJournalContract, {"journal": make})


def _source(make: Callable[[], object]) -> set[str]:
    fixtures = {"known": lambda: KNOWN, "missing": lambda: "script:absent"}
    return failing_tests(
        SecretSourceContract, {**fixtures, "source": make, "empty": lambda: "script:empty"}
    )


def _lease_store(make: Callable[[], LeaseStore]) -> set[str]:
    def open_store() -> Callable[[], LeaseStore]:
        store = make()
        return lambda: store

    return failing_tests(LeaseContract, {"open_store": open_store})


def test_the_suites_pass_what_is_right() -> None:
    assert _lease_store(RightLeaseStore) == set()
    assert _store(RightStore) == set()
    assert _journal(RightJournal) == set()
    assert _source(lambda: ScriptedSecrets(SCRIPT)) == set()


@pytest.mark.parametrize("planted", STORES)
def test_a_wrong_store_is_caught(planted: type) -> None:
    assert STORES[planted] in _store(planted)


@pytest.mark.parametrize("planted", JOURNALS)
def test_a_wrong_journal_is_caught(planted: type) -> None:
    assert JOURNALS[planted] in _journal(planted)


@pytest.mark.parametrize("planted", SOURCES)
def test_a_wrong_secret_source_is_caught(planted: type) -> None:
    assert SOURCES[planted] in _source(planted)


@pytest.mark.parametrize("planted", LEASE_STORES)
def test_a_wrong_place_of_a_lease_is_caught(planted: type) -> None:
    assert LEASE_STORES[planted] in _lease_store(planted)

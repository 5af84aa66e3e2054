"""Conformance suite of the places of approvals."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import Final, TypeAlias

import pytest

from tradai.core._ports.protocols import ApprovalEntry, ApprovalStore
from tradai.core.exceptions import ConflictError, ValidationError

_RACERS: Final = 4
_APPROVAL: Final = ApprovalEntry(
    strategy="momentum", approval_id="0f" * 32, kind="approval", data=b"an approval"
)
_REVOCATION: Final = replace(_APPROVAL, kind="revocation", data=b"a revocation")

OpenStore: TypeAlias = Callable[[], ApprovalStore]


class ApprovalStoreContract:
    """Suite for an `ApprovalStore`.

    The fixture to define is ``open_store``: a function that opens a place of approvals, which is
    empty before the test. Each call opens the same place, as another process would.
    """

    def test_a_new_place_is_empty(self, open_store: OpenStore) -> None:
        assert list(open_store().entries("momentum")) == []

    def test_an_entry_is_read_back_by_all(self, open_store: OpenStore) -> None:
        store, other = open_store(), open_store()
        entry = replace(_APPROVAL, data=bytes(range(256)))

        store.add(entry)

        assert list(store.entries("momentum")) == [entry]
        assert list(other.entries("momentum")) == [entry]

    def test_the_same_entry_again_changes_nothing(self, open_store: OpenStore) -> None:
        for _ in range(3):
            open_store().add(_APPROVAL)

        assert list(open_store().entries("momentum")) == [_APPROVAL]

    def test_an_entry_is_never_overwritten(self, open_store: OpenStore) -> None:
        for entry in (_APPROVAL, _REVOCATION):
            open_store().add(entry)

            with pytest.raises(ConflictError):
                open_store().add(replace(entry, data=b"something else"))

        assert list(open_store().entries("momentum")) == [_APPROVAL, _REVOCATION]

    def test_a_revocation_stands_beside_its_approval(self, open_store: OpenStore) -> None:
        open_store().add(_REVOCATION)
        open_store().add(_APPROVAL)

        assert list(open_store().entries("momentum")) == [_APPROVAL, _REVOCATION]

    def test_entries_are_sorted_by_id(self, open_store: OpenStore) -> None:
        entries = [replace(_APPROVAL, approval_id=digit * 64) for digit in "b3a0"]

        for entry in entries:
            open_store().add(entry)

        found = open_store().entries("momentum")
        assert list(found) == sorted(entries, key=lambda entry: entry.approval_id)

    def test_strategies_are_apart(self, open_store: OpenStore) -> None:
        names = ("momentum", "momentum-2", "moment", "momentum.old")
        for name in names:
            open_store().add(replace(_APPROVAL, strategy=name))

        for name in names:
            assert list(open_store().entries(name)) == [replace(_APPROVAL, strategy=name)]

    def test_a_strategy_that_is_not_a_name_is_refused(self, open_store: OpenStore) -> None:
        for name in ("", ".", "..", "a/b", "a b", "../momentum", "a@1", "é"):
            with pytest.raises(ValidationError):
                open_store().add(replace(_APPROVAL, strategy=name))
            with pytest.raises(ValidationError):
                open_store().entries(name)

    def test_an_id_that_is_not_a_digest_is_refused(self, open_store: OpenStore) -> None:
        for approval_id in ("", "0f", "0F" * 32, f"../{'0' * 61}", "0" * 65):
            with pytest.raises(ValidationError):
                open_store().add(replace(_APPROVAL, approval_id=approval_id))

        assert list(open_store().entries("momentum")) == []

    def test_one_racer_adds(self, open_store: OpenStore) -> None:
        won = _race(open_store)

        assert len(won) == 1
        assert list(open_store().entries("momentum")) == won


def _race(open_store: OpenStore) -> list[ApprovalEntry]:
    """Add different entries of one id at once and return those that were not refused."""
    barrier = threading.Barrier(_RACERS)
    stores = [open_store() for _ in range(_RACERS)]
    won = []

    def run(number: int) -> None:
        entry = replace(_APPROVAL, data=f"racer {number}".encode())
        barrier.wait()
        with suppress(ConflictError):
            stores[number].add(entry)
            won.append(entry)

    with ThreadPoolExecutor(_RACERS) as pool:
        list(pool.map(run, range(_RACERS)))
    return won

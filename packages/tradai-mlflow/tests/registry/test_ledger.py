"""Private: the ledger is a format that later versions must read."""

from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest
from hypothesis import given, strategies as st

from tradai.core.exceptions import NotFoundError
from tradai.mlflow import ModelIntegrityError
from tradai.mlflow._registry.ledger import Ledger, LedgerEntry

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
Action = Literal["promote", "rollback"]


def appended(
    tags: dict[str, str],
    action: Action,
    before: int | None,
    after: int,
    *,
    alias: str = "champion",
) -> dict[str, str]:
    ledger = Ledger.from_tags(tags)
    entry = LedgerEntry(
        sequence=ledger.next_sequence,
        at=NOW + timedelta(minutes=ledger.next_sequence),
        action=action,
        alias=alias,
        before=before,
        after=after,
        previous=ledger.last_digest,
    )
    return {**tags, **dict([entry.tag()])}


def promotions(*versions: int) -> dict[str, str]:
    tags: dict[str, str] = {"tradai.other": "tag"}
    before: int | None = None
    for version in versions:
        tags = appended(tags, "promote", before, version)
        before = version
    return tags


def test_entries_come_back_in_order_without_problems() -> None:
    ledger = Ledger.from_tags(promotions(3, 5, 4))

    assert [entry.after for entry in ledger.entries] == [3, 5, 4]
    assert ledger.problems == ()


@given(
    versions=st.lists(st.integers(1, 50), min_size=2, max_size=12),
    data=st.data(),
)
def test_an_entry_that_is_changed_or_removed_shows(
    versions: list[int], data: st.DataObject
) -> None:
    tags = promotions(*versions)
    names = sorted(name for name in tags if name.startswith("tradai.ledger."))
    # Without its last entry a ledger is one that was read earlier.
    name = data.draw(st.sampled_from(names[:-1]))
    if data.draw(st.booleans()):
        del tags[name]
    else:
        tags[name] = tags[name].replace('"champion"', '"challenger"')

    assert Ledger.from_tags(tags).problems


def test_a_value_that_is_no_entry_shows() -> None:
    tags = promotions(1) | {"tradai.ledger.000002.0000000000000000": "[]"}

    (problem,) = Ledger.from_tags(tags).problems
    assert problem == "the ledger entry tradai.ledger.000002.0000000000000000 is damaged"


@pytest.mark.parametrize("name", ["tradai.ledger.1", "tradai.ledger.000001.x", "tradai.ledger."])
def test_an_entry_under_a_name_of_another_form_shows(name: str) -> None:
    (value,) = (value for key, value in promotions(1).items() if key.startswith("tradai.ledger."))

    assert Ledger.from_tags({name: value}).problems == (f"the ledger entry {name} is damaged",)


@pytest.mark.parametrize(("sequence", "previous"), [(1, "a" * 64), (2, None)])
def test_an_entry_that_does_not_follow_another_shows(sequence: int, previous: str | None) -> None:
    entry = LedgerEntry(
        sequence=sequence,
        at=NOW,
        action="promote",
        alias="champion",
        before=None,
        after=1,
        previous=previous,
    )

    (problem,) = Ledger.from_tags(dict([entry.tag()])).problems
    assert problem == f"the ledger entry before number {sequence} is missing or was changed"


def test_promotions_of_another_alias_do_not_count() -> None:
    tags = appended(promotions(3, 5), "promote", None, 4, alias="candidate")

    assert Ledger.from_tags(tags).rollback_target("champion", 5) == 3


def test_two_promotions_that_were_made_at_once_are_both_kept_and_show() -> None:
    tags = promotions(1)

    both = appended(tags, "promote", 1, 2) | appended(tags, "promote", 1, 3)

    ledger = Ledger.from_tags(both)
    assert {entry.after for entry in ledger.entries} == {1, 2, 3}
    assert ledger.problems == ("2 ledger entries have number 2: they were made at once",)


def test_each_rollback_goes_back_one_promotion_further() -> None:
    tags = promotions(3, 5, 7)

    first = Ledger.from_tags(tags).rollback_target("champion", 7)
    tags = appended(tags, "rollback", 7, first)
    second = Ledger.from_tags(tags).rollback_target("champion", first)

    assert (first, second) == (5, 3)


def test_a_promotion_after_a_rollback_is_rolled_back_to_what_it_replaced() -> None:
    tags = appended(promotions(3, 5), "rollback", 5, 3)
    tags = appended(tags, "promote", 3, 6)

    assert Ledger.from_tags(tags).rollback_target("champion", 6) == 3


def test_an_entry_whose_alias_was_never_moved_is_passed_over() -> None:
    tags = promotions(3, 5, 7)

    assert Ledger.from_tags(tags).rollback_target("champion", 5) == 3


def test_a_version_set_by_another_tool_is_rolled_back_to_the_last_promotion() -> None:
    assert Ledger.from_tags(promotions(3, 5)).rollback_target("champion", 9) == 5


@pytest.mark.parametrize(("versions", "current"), [((), None), ((), 4), ((3,), 3), ((3,), None)])
def test_without_an_earlier_version_there_is_nothing_to_roll_back_to(
    versions: tuple[int, ...], current: int | None
) -> None:
    with pytest.raises(NotFoundError, match="no version that champion pointed at before"):
        Ledger.from_tags(promotions(*versions)).rollback_target("champion", current)


@given(st.lists(st.integers(1, 9), min_size=2, max_size=10))
def test_rolling_back_all_the_way_ends_at_the_first_version(versions: list[int]) -> None:
    distinct = list(dict.fromkeys(versions))
    tags, current = promotions(*distinct), distinct[-1]

    for _ in range(len(distinct) - 1):
        target = Ledger.from_tags(tags).rollback_target("champion", current)
        tags = appended(tags, "rollback", current, target)
        current = target

    assert current == distinct[0]


@pytest.mark.parametrize("damage", ["change", "remove"])
def test_a_ledger_with_a_damaged_entry_names_it_and_gives_no_version(damage: str) -> None:
    tags = promotions(3, 5, 7)
    second = next(name for name in tags if name.startswith("tradai.ledger.000002."))
    if damage == "change":
        tags[second] = tags[second].replace('"after":5', '"after":4')
        problem = f"the ledger entry {second} is damaged"
    else:
        del tags[second]
        problem = "the ledger entry before number 3 is missing or was changed"

    with pytest.raises(ModelIntegrityError) as refused:
        Ledger.from_tags(tags).rollback_target("champion", 7)

    assert problem in str(refused.value)
    assert "promote the version that is right by its number" in str(refused.value)


def test_a_ledger_with_two_promotions_made_at_once_gives_no_version() -> None:
    tags = promotions(1)
    both = appended(tags, "promote", 1, 2) | appended(tags, "promote", 1, 3)

    with pytest.raises(ModelIntegrityError, match="2 ledger entries have number 2"):
        Ledger.from_tags(both).rollback_target("champion", 3)

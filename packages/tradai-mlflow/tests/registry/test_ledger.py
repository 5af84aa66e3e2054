"""Private: the ledger is a format that later versions must read."""

import re
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
    ledger = Ledger.from_tags(tags, alias)
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


def champion(tags: dict[str, str]) -> Ledger:
    return Ledger.from_tags(tags, "champion")


def sentences(ledger: Ledger) -> list[str]:
    return [problem.sentence for problem in ledger.problems]


def promotions(*versions: int) -> dict[str, str]:
    tags: dict[str, str] = {"tradai.other": "tag"}
    before: int | None = None
    for version in versions:
        tags = appended(tags, "promote", before, version)
        before = version
    return tags


def test_entries_come_back_in_order_without_problems() -> None:
    ledger = champion(promotions(3, 5, 4))

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

    assert champion(tags).problems


def test_a_value_that_is_no_entry_shows() -> None:
    name = "tradai.ledger.champion.000002.0000000000000000"

    assert sentences(champion(promotions(1) | {name: "[]"})) == [
        f"the ledger entry {name} is damaged"
    ]


@pytest.mark.parametrize(
    "name", ["tradai.ledger.champion", "tradai.ledger.champion.000001.x", "tradai.ledger.champion."]
)
def test_an_entry_under_a_name_of_another_form_shows(name: str) -> None:
    (value,) = (value for key, value in promotions(1).items() if key.startswith("tradai.ledger."))

    assert sentences(champion({name: value})) == [f"the ledger entry {name} is damaged"]


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

    assert sentences(champion(dict([entry.tag()]))) == [
        f"the ledger entry before number {sequence} is missing or was changed"
    ]


def test_promotions_of_another_alias_do_not_count() -> None:
    tags = appended(promotions(3, 5), "promote", None, 4, alias="candidate")

    assert champion(tags).rollback_target(5) == 3


def test_two_promotions_that_were_made_at_once_are_both_kept_and_show() -> None:
    tags = promotions(1)

    both = appended(tags, "promote", 1, 2) | appended(tags, "promote", 1, 3)

    ledger = champion(both)
    assert {entry.after for entry in ledger.entries} == {1, 2, 3}
    assert sentences(ledger) == ["2 ledger entries have number 2: they were made at once"]


def test_each_rollback_goes_back_one_promotion_further() -> None:
    tags = promotions(3, 5, 7)

    first = champion(tags).rollback_target(7)
    tags = appended(tags, "rollback", 7, first)
    second = champion(tags).rollback_target(first)

    assert (first, second) == (5, 3)


def test_a_promotion_after_a_rollback_is_rolled_back_to_what_it_replaced() -> None:
    tags = appended(promotions(3, 5), "rollback", 5, 3)
    tags = appended(tags, "promote", 3, 6)

    assert champion(tags).rollback_target(6) == 3


def test_an_entry_whose_alias_was_never_moved_is_passed_over() -> None:
    tags = promotions(3, 5, 7)

    assert champion(tags).rollback_target(5) == 3


def test_a_version_set_by_another_tool_is_rolled_back_to_the_last_promotion() -> None:
    assert champion(promotions(3, 5)).rollback_target(9) == 5


@pytest.mark.parametrize(("versions", "current"), [((), None), ((), 4), ((3,), 3), ((3,), None)])
def test_without_an_earlier_version_there_is_nothing_to_roll_back_to(
    versions: tuple[int, ...], current: int | None
) -> None:
    with pytest.raises(NotFoundError, match="no version that champion pointed at before"):
        champion(promotions(*versions)).rollback_target(current)


@given(st.lists(st.integers(1, 9), min_size=2, max_size=10))
def test_rolling_back_all_the_way_ends_at_the_first_version(versions: list[int]) -> None:
    distinct = list(dict.fromkeys(versions))
    tags, current = promotions(*distinct), distinct[-1]

    for _ in range(len(distinct) - 1):
        target = champion(tags).rollback_target(current)
        tags = appended(tags, "rollback", current, target)
        current = target

    assert current == distinct[0]


def damaged(tags: dict[str, str], number: int, damage: str) -> tuple[dict[str, str], str]:
    """Return `tags` with a damaged entry, and the sentence about it."""
    name = next(name for name in tags if name.startswith(f"tradai.ledger.champion.{number:06}."))
    if damage == "change":
        value = tags[name].replace('"action":"promote"', '"action":"rollback"')
        return {**tags, name: value}, f"the ledger entry {name} is damaged"
    left = {key: value for key, value in tags.items() if key != name}
    return left, f"the ledger entry before number {number + 1} is missing or was changed"


@pytest.mark.parametrize("damage", ["change", "remove"])
def test_a_ledger_with_a_damaged_entry_names_it_and_gives_no_version_before_it(damage: str) -> None:
    tags, problem = damaged(promotions(3, 5, 7), 2, damage)
    tags = appended(tags, "rollback", 7, 5)

    with pytest.raises(ModelIntegrityError) as refused:
        champion(tags).rollback_target(5)

    assert problem in str(refused.value)
    assert "promote the version that is right by its number" in str(refused.value)


@pytest.mark.parametrize("damage", ["change", "remove"])
def test_entries_behind_a_damaged_one_are_enough(damage: str) -> None:
    tags, _ = damaged(promotions(3, 5, 7), 2, damage)

    assert champion(tags).rollback_target(7) == 5


def test_a_promotion_after_a_damaged_last_entry_can_be_rolled_back() -> None:
    tags, problem = damaged(promotions(3, 5), 2, "change")
    with pytest.raises(ModelIntegrityError, match=re.escape(problem)):
        champion(tags).rollback_target(5)

    assert champion(appended(tags, "promote", 5, 7)).rollback_target(7) == 5


def test_with_a_damaged_entry_a_version_that_another_tool_set_is_not_rolled_back() -> None:
    tags, problem = damaged(promotions(3, 5, 7), 2, "change")

    with pytest.raises(ModelIntegrityError, match=re.escape(problem)):
        champion(tags).rollback_target(3)


def test_a_damaged_entry_of_one_alias_leaves_the_others_alone() -> None:
    tags = appended(promotions(3, 5), "promote", None, 4, alias="candidate")
    tags = appended(tags, "promote", 4, 5, alias="candidate")
    tags, problem = damaged(tags, 2, "change")

    assert Ledger.from_tags(tags, "candidate").rollback_target(5) == 4
    problems = {each.alias: sentences(each) for each in Ledger.all_from_tags(tags)}
    assert problems == {"candidate": [], "champion": [problem]}


def test_a_ledger_with_two_promotions_made_at_once_gives_no_version() -> None:
    tags = promotions(1)
    both = appended(tags, "promote", 1, 2) | appended(tags, "promote", 1, 3)

    with pytest.raises(ModelIntegrityError, match="2 ledger entries have number 2"):
        champion(both).rollback_target(3)

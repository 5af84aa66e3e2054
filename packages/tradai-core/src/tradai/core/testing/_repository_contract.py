"""Conformance suite of repositories."""

from typing import TypeVar

import pytest

from tradai.core._ports.repositories import Repository
from tradai.core.exceptions import NotFoundError, ValidationError

T = TypeVar("T")


class RepositoryContract:
    """Suite for a `Repository`.

    Fixtures to define: ``repository``, empty; ``values``, two things that differ.
    """

    def test_a_value_comes_back(self, repository: Repository[T], values: tuple[T, T]) -> None:
        for key in ("a", "a/1", "a/1/deep", "Zürich run", "50%", "a.b+c=d"):
            repository.put(key, values[0])

            assert repository.get(key) == values[0]

    def test_a_put_replaces(self, repository: Repository[T], values: tuple[T, T]) -> None:
        for value in values:
            repository.put("a/1", value)

        assert repository.get("a/1") == values[1]
        assert repository.list() == ["a/1"]

    def test_a_missing_value_is_not_found(
        self, repository: Repository[T], values: tuple[T, T]
    ) -> None:
        repository.put("a/1", values[0])

        for key in ("b", "a", "a/12", "A/1"):
            with pytest.raises(NotFoundError):
                repository.get(key)

    def test_keys_are_listed_by_prefix_and_sorted(
        self, repository: Repository[T], values: tuple[T, T]
    ) -> None:
        keys = ["a/1", "a/10", "a/2", "ab", "a b", "b/1", "ä"]
        for key in reversed(keys):
            repository.put(key, values[0])

        assert repository.list() == sorted(keys)
        assert repository.list("a/") == ["a/1", "a/10", "a/2"]
        assert repository.list("a/1") == ["a/1", "a/10"]
        assert repository.list("c") == []

    def test_a_deleted_value_is_gone(self, repository: Repository[T], values: tuple[T, T]) -> None:
        for key in ("a/1", "a/2"):
            repository.put(key, values[0])

        repository.delete("a/1")

        assert repository.list() == ["a/2"]
        with pytest.raises(NotFoundError):
            repository.get("a/1")

    def test_deleting_a_missing_value_is_allowed(self, repository: Repository[T]) -> None:
        repository.delete("a/1")

        assert repository.list() == []

    def test_an_invalid_key_is_refused(
        self, repository: Repository[T], values: tuple[T, T]
    ) -> None:
        for key in ("", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/../../b"):
            with pytest.raises(ValidationError):
                repository.put(key, values[0])
            for ask in (repository.get, repository.delete):
                with pytest.raises(ValidationError):
                    ask(key)
        assert repository.list() == []

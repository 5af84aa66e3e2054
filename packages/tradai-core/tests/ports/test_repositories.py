import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import BaseModel

from tradai.core import (
    DataRepository,
    FileStore,
    InMemoryRepository,
    MemoryStore,
    ModelRepository,
    Repository,
)
from tradai.core.exceptions import NotFoundError, StorageError, ValidationError
from tradai.core.testing import RepositoryContract, failing_tests


class Number(BaseModel):
    """The smallest model there is."""

    value: int


class TestInMemoryRepository(RepositoryContract):
    @pytest.fixture
    def repository(self) -> Repository[int]:
        return InMemoryRepository()

    @pytest.fixture
    def values(self) -> tuple[int, int]:
        return 1, 2


class TestModelRepositoryInFiles(RepositoryContract):
    @pytest.fixture
    def repository(self, tmp_path: Path) -> Repository[Number]:
        return ModelRepository(Number, FileStore(), tmp_path.as_uri())

    @pytest.fixture
    def values(self) -> tuple[Number, Number]:
        return Number(value=1), Number(value=2)


class TestModelRepositoryInMemory(RepositoryContract):
    @pytest.fixture
    def repository(self) -> Repository[Number]:
        return ModelRepository(Number, MemoryStore(), "memory:numbers/")

    @pytest.fixture
    def values(self) -> tuple[Number, Number]:
        return Number(value=1), Number(value=2)


def test_a_model_is_a_json_object_named_by_its_key(tmp_path: Path) -> None:
    repository = ModelRepository(Number, FileStore(), tmp_path.as_uri())

    repository.put("a/one two", Number(value=7))

    assert json.loads((tmp_path / "a" / "one two.json").read_bytes()) == {"value": 7}


def test_an_object_that_is_not_the_model_is_named(tmp_path: Path) -> None:
    (tmp_path / "one.json").write_text('{"value": "seven"}')

    with pytest.raises(StorageError, match=r"one\.json is not a Number"):
        ModelRepository(Number, FileStore(), tmp_path.as_uri()).get("one")


def test_other_objects_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("7")

    assert ModelRepository(Number, FileStore(), tmp_path.as_uri()).list() == []


def test_a_full_disk_keeps_the_old_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = ModelRepository(Number, FileStore(), tmp_path.as_uri())
    repository.put("one", Number(value=1))

    def refuse(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(StorageError, match="the disk is full"):
        repository.put("one", Number(value=2))

    assert repository.get("one") == Number(value=1)


class InMemoryCopy(Repository[int]):
    """Keeps every promise; each planted repository below breaks one."""

    def __init__(self) -> None:
        self.things: dict[str, int] = {}

    def check(self, key: str) -> None:
        if not {"", ".", ".."}.isdisjoint(key.split("/")):
            message = "no key"
            raise ValidationError(message)

    def get(self, key: str) -> int:
        self.check(key)
        if key not in self.things:
            message = "nothing there"
            raise NotFoundError(message, kind="number", key=key)
        return self.things[key]

    def put(self, key: str, value: int) -> None:
        self.check(key)
        self.things[key] = value

    def list(self, prefix: str = "") -> list[str]:
        return sorted(key for key in self.things if key.startswith(prefix))

    def delete(self, key: str) -> None:
        self.check(key)
        self.things.pop(key, None)


class RepositoryThatKeepsTheFirst(InMemoryCopy):
    def put(self, key: str, value: int) -> None:
        self.things.setdefault(key, value)


class RepositoryWithNothingMissing(InMemoryCopy):
    def get(self, key: str) -> int:
        return self.things.get(key, 0)


class RepositoryThatListsFolders(InMemoryCopy):
    def list(self, prefix: str = "") -> list[str]:
        return sorted(key for key in self.things if f"{key}/".startswith(f"{prefix.rstrip('/')}/"))


class RepositoryThatListsAsItComes(InMemoryCopy):
    def list(self, prefix: str = "") -> list[str]:
        return [key for key in self.things if key.startswith(prefix)]


class RepositoryThatMindsAbsence(InMemoryCopy):
    def delete(self, key: str) -> None:
        del self.things[key]


class RepositoryThatTakesAnyKey(InMemoryCopy):
    def check(self, key: str) -> None:
        """Take it."""


class RepositoryThatKnowsNoCase(InMemoryCopy):
    def get(self, key: str) -> int:
        self.check(key)
        found = [value for name, value in self.things.items() if name.lower() == key.lower()]
        return found[0] if found else super().get(key)


REPOSITORIES: dict[type, str] = {
    RepositoryThatKeepsTheFirst: "test_a_put_replaces",
    RepositoryWithNothingMissing: "test_a_missing_value_is_not_found",
    RepositoryThatListsFolders: "test_keys_are_listed_by_prefix_and_sorted",
    RepositoryThatListsAsItComes: "test_keys_are_listed_by_prefix_and_sorted",
    RepositoryThatMindsAbsence: "test_deleting_a_missing_value_is_allowed",
    RepositoryThatTakesAnyKey: "test_an_invalid_key_is_refused",
    RepositoryThatKnowsNoCase: "test_a_missing_value_is_not_found",
}
FIXTURES = {"values": lambda: (1, 2)}


def test_the_suite_passes_what_is_right() -> None:
    assert failing_tests(RepositoryContract, {"repository": InMemoryCopy, **FIXTURES}) == set()


@pytest.mark.parametrize("planted", REPOSITORIES)
def test_a_wrong_repository_is_caught(planted: type) -> None:
    failing = failing_tests(RepositoryContract, {"repository": planted, **FIXTURES})

    assert REPOSITORIES[planted] in failing


@pytest.mark.parametrize("kind", [Repository, DataRepository])
def test_an_incomplete_repository_cannot_be_made(kind: type) -> None:
    with pytest.raises(TypeError, match="abstract"):
        type("Incomplete", (kind,), {})()


def test_the_port_of_candles_costs_no_pandas() -> None:
    program = "import sys; from tradai.core import DataRepository; print('pandas' in sys.modules)"

    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)

    assert answer.stdout == b"False\n"

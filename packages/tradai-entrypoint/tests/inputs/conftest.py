"""Stores that count their calls, and caches of one test."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tradai.core import MemoryStore, ObjectInfo, StoredObject
from tradai.entrypoint import InputSettings


class CountingStore:
    """A memory store that records each call, with hooks that make it a wrong one."""

    def __init__(self) -> None:
        self.inner = MemoryStore()
        self.calls: list[tuple[str, str]] = []
        self.before_read: Callable[[str], object] = lambda _: None
        self.before_write: Callable[[str], object] = lambda _: None
        self.edit_read: Callable[[StoredObject], StoredObject] = lambda read: read
        self.edit_listed: Callable[[ObjectInfo], ObjectInfo] = lambda info: info
        self._lock = threading.Lock()

    def count(self, method: str) -> int:
        return sum(1 for called, _ in self.calls if called == method)

    def read(self, uri: str) -> StoredObject:
        self._record("read", uri)
        self.before_read(uri)
        return self.edit_read(self.inner.read(uri))

    def write(
        self, uri: str, data: bytes, *, if_match: str | None = None, if_absent: bool = False
    ) -> str:
        self._record("write", uri)
        self.before_write(uri)
        return self.inner.write(uri, data, if_match=if_match, if_absent=if_absent)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        self._record("list", prefix)
        return map(self.edit_listed, self.inner.list(prefix))

    def delete(self, uri: str) -> None:
        self._record("delete", uri)
        self.inner.delete(uri)

    def stat(self, uri: str) -> ObjectInfo:
        self._record("stat", uri)
        return self.inner.stat(uri)

    def copy(self, source: str, target: str) -> str:
        return self.inner.copy(source, target)

    def _record(self, method: str, uri: str) -> None:
        with self._lock:
            self.calls.append((method, uri))


@pytest.fixture
def store() -> CountingStore:
    """An empty store."""
    return CountingStore()


@pytest.fixture
def settings(tmp_path: Path) -> InputSettings:
    """Settings with a cache of this test."""
    return InputSettings(cache=tmp_path / "cache")

import pytest

from tradai.core import MemoryStore, ObjectStore
from tradai.core.testing import FixedClock, ObjectStoreContract


class TestMemoryStore(ObjectStoreContract):
    @pytest.fixture
    def store(self) -> ObjectStore:
        return MemoryStore()

    @pytest.fixture
    def base(self) -> str:
        return "memory:"


def test_a_memory_store_dates_objects_by_its_clock() -> None:
    clock = FixedClock()
    store = MemoryStore(clock=clock)

    store.write("memory:one", b"1")

    assert store.stat("memory:one").modified == clock.now()

import subprocess
import sys
from typing import final

import pytest

from tradai.core import DataRepository, Repository
from tradai.core.exceptions import NotFoundError


@final
class Shelf(Repository[int]):
    """The smallest repository there is."""

    def __init__(self) -> None:
        self._items: dict[str, int] = {}

    def get(self, key: str) -> int:
        if key not in self._items:
            message = f"nothing on the shelf at {key}; put it there first"
            raise NotFoundError(message, kind="number", key=key)
        return self._items[key]

    def put(self, key: str, value: int) -> None:
        self._items[key] = value

    def list(self, prefix: str = "") -> list[str]:
        return sorted(key for key in self._items if key.startswith(prefix))

    def delete(self, key: str) -> None:
        self._items.pop(key, None)


def test_a_repository_is_four_verbs() -> None:
    shelf: Repository[int] = Shelf()
    shelf.put("a/1", 1)
    shelf.put("b/2", 2)

    shelf.delete("b/2")

    assert shelf.list("a/") == shelf.list() == ["a/1"]
    assert shelf.get("a/1") == 1
    with pytest.raises(NotFoundError):
        shelf.get("b/2")


@pytest.mark.parametrize("kind", [Repository, DataRepository])
def test_an_incomplete_repository_cannot_be_made(kind: type) -> None:
    with pytest.raises(TypeError, match="abstract"):
        type("Incomplete", (kind,), {})()


def test_the_port_of_candles_costs_no_pandas() -> None:
    program = "import sys; from tradai.core import DataRepository; print('pandas' in sys.modules)"

    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)

    assert answer.stdout == b"False\n"

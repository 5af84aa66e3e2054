"""What was invalidated while Redis could not be told."""

from collections import Counter
from typing import Final, final

from tradai.cache._tier.shared_tier import Place

__all__ = ["Pending"]

# Telling more one by one would keep recovery waiting; clearing their namespace is one step.
_PLACES_A_NAMESPACE: Final = 1_000


@final
class Pending:
    """Places and namespaces to tell of, each once, in no order: telling only ever removes."""

    def __init__(self) -> None:
        self._places: set[Place] = set()
        self._namespaces: set[str] = set()
        self._counts: Counter[str] = Counter()

    def __len__(self) -> int:
        """Return how much there is to tell."""
        return len(self._places) + len(self._namespaces)

    def add(self, what: Place | str) -> None:
        """Note a place, or a namespace as a whole."""
        if isinstance(what, str):
            self._add_namespace(what)
        elif what not in self._places and what.namespace not in self._namespaces:
            self._places.add(what)
            self._counts[what.namespace] += 1
            if self._counts[what.namespace] > _PLACES_A_NAMESPACE:
                self._add_namespace(what.namespace)

    def take(self) -> list[Place | str]:
        """Return what there is to tell, and forget it; what cannot be told is added again."""
        taken: list[Place | str] = [*self._namespaces, *self._places]
        self._places.clear()
        self._namespaces.clear()
        self._counts.clear()
        return taken

    def _add_namespace(self, namespace: str) -> None:
        self._namespaces.add(namespace)
        self._places = {place for place in self._places if place.namespace != namespace}
        del self._counts[namespace]

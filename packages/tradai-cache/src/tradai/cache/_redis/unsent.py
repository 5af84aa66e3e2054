"""What was invalidated while Redis could not be told."""

from collections import Counter
from typing import Final, final

from tradai.cache._tier.shared_tier import CacheKey

__all__ = ["UnsentInvalidations"]

# Telling more one by one would keep recovery waiting; clearing their namespace is one step.
_MAX_KEYS_PER_NAMESPACE: Final = 1_000


@final
class UnsentInvalidations:
    """Places and namespaces to tell of, each once, in no order: telling only ever removes."""

    def __init__(self) -> None:
        self._keys: set[CacheKey] = set()
        self._namespaces: set[str] = set()
        self._counts: Counter[str] = Counter()

    def __len__(self) -> int:
        """Return how much there is to tell."""
        return len(self._keys) + len(self._namespaces)

    def add(self, what: CacheKey | str) -> None:
        """Note a place, or a namespace as a whole."""
        if isinstance(what, str):
            self._add_namespace(what)
        elif what not in self._keys and what.namespace not in self._namespaces:
            self._keys.add(what)
            self._counts[what.namespace] += 1
            if self._counts[what.namespace] > _MAX_KEYS_PER_NAMESPACE:
                self._add_namespace(what.namespace)

    def take(self) -> list[CacheKey | str]:
        """Return what there is to tell, and forget it; what cannot be told is added again."""
        taken: list[CacheKey | str] = [*self._namespaces, *self._keys]
        self._keys.clear()
        self._namespaces.clear()
        self._counts.clear()
        return taken

    def _add_namespace(self, namespace: str) -> None:
        self._namespaces.add(namespace)
        self._keys = {key for key in self._keys if key.namespace != namespace}
        del self._counts[namespace]

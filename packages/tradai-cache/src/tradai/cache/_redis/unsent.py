"""Invalidations that could not be sent to Redis, kept until it is found again."""

from collections import Counter
from typing import Final, final

from tradai.cache._tier.shared_tier import CacheKey

# Sending more one by one would delay recovery; clearing their namespace is one step.
_MAX_KEYS_PER_NAMESPACE: Final = 1_000


@final
class UnsentInvalidations:
    """Keys and namespaces to invalidate, each once, in no order: an invalidation only removes."""

    def __init__(self) -> None:
        self._keys: set[CacheKey] = set()
        self._namespaces: set[str] = set()
        self._counts: Counter[str] = Counter()

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._keys) + len(self._namespaces)

    def add(self, target: CacheKey | str) -> None:
        """Add a key, or a namespace as a whole."""
        if isinstance(target, str):
            self._add_namespace(target)
        elif target not in self._keys and target.namespace not in self._namespaces:
            self._keys.add(target)
            self._counts[target.namespace] += 1
            if self._counts[target.namespace] > _MAX_KEYS_PER_NAMESPACE:
                self._add_namespace(target.namespace)

    def take(self) -> list[CacheKey | str]:
        """Return all and forget them; add again those that cannot be sent."""
        taken: list[CacheKey | str] = [*self._namespaces, *self._keys]
        self._keys.clear()
        self._namespaces.clear()
        self._counts.clear()
        return taken

    def _add_namespace(self, namespace: str) -> None:
        self._namespaces.add(namespace)
        self._keys = {key for key in self._keys if key.namespace != namespace}
        del self._counts[namespace]

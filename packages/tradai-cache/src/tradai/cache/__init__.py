"""Door of tradai.cache: where values that are dear to compute are kept."""

from tradai.core import lazy_door

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tradai.cache._settings import CacheSettings as CacheSettings

__all__ = ["CacheSettings"]

if not TYPE_CHECKING:
    __getattr__, __dir__ = lazy_door(__name__, {"CacheSettings": "_settings"})

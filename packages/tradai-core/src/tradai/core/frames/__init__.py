"""Door of tradai.core.frames: candles on pandas; needs ``tradai-core[frames]``."""

from tradai.core._door import lazy_door

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tradai.core.frames._repositories import Gap as Gap
    from tradai.core.frames._repositories import InMemoryDataRepository as InMemoryDataRepository
    from tradai.core.frames._repositories import ParquetDataRepository as ParquetDataRepository
    from tradai.core.frames._repositories import gaps as gaps

__all__ = ["Gap", "InMemoryDataRepository", "ParquetDataRepository", "gaps"]

if not TYPE_CHECKING:
    __getattr__, __dir__ = lazy_door(
        __name__,
        {
            "Gap": "_repositories",
            "InMemoryDataRepository": "_repositories",
            "ParquetDataRepository": "_repositories",
            "gaps": "_repositories",
        },
    )

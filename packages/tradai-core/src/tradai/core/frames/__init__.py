"""Door of tradai.core.frames: candles and columns on pandas; needs ``tradai-core[frames]``."""

from tradai.core._door import lazy_door

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tradai.core.frames._candle_times import candle_index as candle_index
    from tradai.core.frames._candle_times import ceil_times as ceil_times
    from tradai.core.frames._candle_times import floor_times as floor_times
    from tradai.core.frames._candle_times import next_closes as next_closes
    from tradai.core.frames._candles import closed as closed
    from tradai.core.frames._flat_repository import FlatDataRepository as FlatDataRepository
    from tradai.core.frames._gaps import Gap as Gap
    from tradai.core.frames._gaps import gaps as gaps
    from tradai.core.frames._memory_repository import (
        InMemoryDataRepository as InMemoryDataRepository,
    )
    from tradai.core.frames._parquet_repository import (
        ParquetDataRepository as ParquetDataRepository,
    )
    from tradai.core.frames._quantize import quantize_amounts as quantize_amounts
    from tradai.core.frames._quantize import quantize_prices as quantize_prices

__all__ = [
    "FlatDataRepository",
    "Gap",
    "InMemoryDataRepository",
    "ParquetDataRepository",
    "candle_index",
    "ceil_times",
    "closed",
    "floor_times",
    "gaps",
    "next_closes",
    "quantize_amounts",
    "quantize_prices",
]

if not TYPE_CHECKING:
    __getattr__, __dir__ = lazy_door(
        __name__,
        {
            "FlatDataRepository": "_flat_repository",
            "Gap": "_gaps",
            "InMemoryDataRepository": "_memory_repository",
            "ParquetDataRepository": "_parquet_repository",
            "candle_index": "_candle_times",
            "ceil_times": "_candle_times",
            "closed": "_candles",
            "floor_times": "_candle_times",
            "gaps": "_gaps",
            "next_closes": "_candle_times",
            "quantize_amounts": "_quantize",
            "quantize_prices": "_quantize",
        },
    )

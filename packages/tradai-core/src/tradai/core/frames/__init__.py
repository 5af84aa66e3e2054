"""Candles and columns on pandas and NumPy; needs ``tradai-core[frames]``."""

from tradai.core._lazy import lazy_exports

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tradai.core.frames._candle_repository import read_columns as read_columns
    from tradai.core.frames._candle_times import (
        candle_index as candle_index,
        ceil_times as ceil_times,
        floor_times as floor_times,
        next_closes as next_closes,
    )
    from tradai.core.frames._candles import closed as closed, columns_of as columns_of
    from tradai.core.frames._columns import (
        CandleColumns as CandleColumns,
        outside_years as outside_years,
    )
    from tradai.core.frames._flat_repository import FlatDataRepository as FlatDataRepository
    from tradai.core.frames._gaps import (
        Gap as Gap,
        Jump as Jump,
        gaps as gaps,
        jumps as jumps,
    )
    from tradai.core.frames._memory_repository import (
        InMemoryDataRepository as InMemoryDataRepository,
    )
    from tradai.core.frames._parquet_repository import (
        ParquetDataRepository as ParquetDataRepository,
    )
    from tradai.core.frames._quantize import (
        quantize_amounts as quantize_amounts,
        quantize_prices as quantize_prices,
    )

if not TYPE_CHECKING:
    __getattr__, __dir__, __all__ = lazy_exports(
        __name__,
        {
            "_candle_repository": "read_columns",
            "_candle_times": "candle_index ceil_times floor_times next_closes",
            "_candles": "closed columns_of",
            "_columns": "CandleColumns outside_years",
            "_flat_repository": "FlatDataRepository",
            "_gaps": "Gap Jump gaps jumps",
            "_memory_repository": "InMemoryDataRepository",
            "_parquet_repository": "ParquetDataRepository",
            "_quantize": "quantize_amounts quantize_prices",
        },
        extra="tradai-core[frames]",
    )

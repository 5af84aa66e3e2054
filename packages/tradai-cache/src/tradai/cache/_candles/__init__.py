"""The cached repository of candles."""

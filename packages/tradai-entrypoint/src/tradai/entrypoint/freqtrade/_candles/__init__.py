"""Candles for the engine: the series it needs, staged as files in its layout."""

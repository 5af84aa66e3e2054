"""Cached repository of candles."""

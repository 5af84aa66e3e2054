"""Candles laid out for the engine."""

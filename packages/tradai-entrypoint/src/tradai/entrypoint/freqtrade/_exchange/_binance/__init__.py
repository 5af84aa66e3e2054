"""Binance: its spot market, and the requests that an API key signs."""

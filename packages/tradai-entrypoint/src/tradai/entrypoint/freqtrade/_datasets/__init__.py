"""Candle folders: find series, read them as they are, list, check and convert them."""

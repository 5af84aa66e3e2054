"""One handler per mode, and the download of candles."""

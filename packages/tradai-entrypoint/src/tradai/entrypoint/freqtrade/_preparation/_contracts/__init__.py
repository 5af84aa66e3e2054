"""Data of contracts that a run needs beside its candles."""

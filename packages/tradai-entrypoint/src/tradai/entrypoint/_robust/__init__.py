"""Robustness of a backtest: its parameters shaken, its costs doubled, its trades resampled."""

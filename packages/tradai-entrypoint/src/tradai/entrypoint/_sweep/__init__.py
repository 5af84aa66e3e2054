"""Sweeps: many backtests of one strategy, each run once, compared in one table."""

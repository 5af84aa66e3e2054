"""Results of a backtest: figures, trades, parts of the report."""

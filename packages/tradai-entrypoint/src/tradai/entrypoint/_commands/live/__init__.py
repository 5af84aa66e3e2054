"""Commands of live trading: approve."""

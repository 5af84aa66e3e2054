"""Commands of live trading: approve, approvals, status, stop, resume."""

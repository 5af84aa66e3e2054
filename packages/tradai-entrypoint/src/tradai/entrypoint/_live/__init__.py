"""Live trading, whatever the engine: account, session, leases, watchdog, risks, halt, stop."""

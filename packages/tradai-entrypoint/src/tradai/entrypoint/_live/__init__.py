"""Live trading, whatever the engine: account, session, risks, halt latch, stop."""

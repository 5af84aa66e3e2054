"""LIVE on the engine: its start, its supervision and its stop."""

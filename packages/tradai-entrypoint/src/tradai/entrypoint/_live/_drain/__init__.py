"""The stop of a live session: trading ends, orders are treated as approved, books are compared."""

"""Trading sessions: their states, the legal moves, and the record that processes share."""

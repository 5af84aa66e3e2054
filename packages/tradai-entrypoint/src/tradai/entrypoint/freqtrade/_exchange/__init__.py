"""Market rules of an exchange, and the loopback server that serves them."""

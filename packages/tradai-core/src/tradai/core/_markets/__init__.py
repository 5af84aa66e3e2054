"""Market rules of an exchange, current and historical."""

"""Market rules of an exchange, now and at earlier moments."""

"""Exact decimals, and rounding to an exchange's market rules."""

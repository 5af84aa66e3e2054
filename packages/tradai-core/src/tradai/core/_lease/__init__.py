"""Leases: a right that one holder has at a time, renewed while it is held."""

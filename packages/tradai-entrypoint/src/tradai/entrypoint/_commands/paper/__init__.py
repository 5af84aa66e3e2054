"""Dry-runs on this machine, as the commands of operators see them."""

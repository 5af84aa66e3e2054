"""Dry-runs while they trade: their session, their status, and the end of their process."""

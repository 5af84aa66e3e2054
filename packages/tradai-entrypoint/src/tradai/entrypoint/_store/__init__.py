"""Runs in an object store: claimed, sent while they go on, listed and brought back."""

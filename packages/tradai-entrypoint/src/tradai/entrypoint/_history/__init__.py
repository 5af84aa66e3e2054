"""Recorded runs of a folder and of a store: listed, found and compared."""

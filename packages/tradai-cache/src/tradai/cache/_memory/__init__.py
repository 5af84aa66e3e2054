"""Cached values in the memory of this process, and the loads that are in flight."""

"""The cache of this process: entries, loads in flight, copies."""

"""One call of a cached function: its I/O steps, the drivers that run them, the load it may need."""

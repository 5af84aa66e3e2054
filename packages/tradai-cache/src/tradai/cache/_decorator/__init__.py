"""The decorator that turns a function into a cached function."""

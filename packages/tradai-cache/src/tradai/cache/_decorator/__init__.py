"""The decorator: from a function to a cached function."""

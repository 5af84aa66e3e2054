"""One call of a cached function, step by step."""

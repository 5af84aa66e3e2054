"""The strategy's source, read and never run."""

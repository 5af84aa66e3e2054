"""The strategy's source code, which is read and never run."""

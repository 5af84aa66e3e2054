"""Start, signals and exit of a process."""

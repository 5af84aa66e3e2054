"""Start, signals and exit of a process, and its server on loopback."""

"""Settings of a process, from files, environment variables and overrides."""

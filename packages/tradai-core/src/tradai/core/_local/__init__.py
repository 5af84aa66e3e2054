"""Backends that need no server: files, memory, environment variables."""

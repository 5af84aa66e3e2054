"""Completion in shells: the script that a shell loads, and the answers that it asks for."""

"""Checks before a live session: facts, the checks on them, those of plug-ins."""

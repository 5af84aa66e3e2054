"""Checks before a live session, as pure functions of facts that were gathered first."""

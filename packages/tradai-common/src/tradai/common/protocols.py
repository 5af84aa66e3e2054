"""Seed path of the ports."""

from tradai.core import Clock, ModeHandler, ObjectStore, RunJournal, SecretSource

__all__ = ["Clock", "ModeHandler", "ObjectStore", "RunJournal", "SecretSource"]

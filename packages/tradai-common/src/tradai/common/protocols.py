"""Platform import path of the protocols."""

from tradai.core import Clock, ModeHandler, ObjectStore, RunJournal, SecretSource

__all__ = ["Clock", "ModeHandler", "ObjectStore", "RunJournal", "SecretSource"]

"""Exchanges whose public answers are recorded once and replayed to the engine."""

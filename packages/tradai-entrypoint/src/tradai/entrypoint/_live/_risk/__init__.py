"""Risks of a session: measured, judged, and halts that outlive it."""

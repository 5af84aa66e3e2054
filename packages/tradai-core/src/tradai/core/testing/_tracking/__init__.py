"""Fake and conformance suite of trackers."""

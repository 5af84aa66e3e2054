"""Codecs: values to bytes for the shared tier, and back."""

"""Shared tier on Redis or Valkey."""

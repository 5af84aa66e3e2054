"""The shared tier on Redis or Valkey."""

"""Leases and records of sessions on Redis or Valkey, between processes of any machines."""

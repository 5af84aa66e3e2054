"""Leases on Redis or Valkey, between processes of any machines."""

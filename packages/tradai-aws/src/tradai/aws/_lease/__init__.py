"""Leases on S3, between processes of any machines."""

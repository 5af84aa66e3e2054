"""Exact digests of arguments."""

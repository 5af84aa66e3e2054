"""Exact digests of arguments, the same in every process."""

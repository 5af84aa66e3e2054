"""Seed path of small tools; each has its module."""

__all__ = []

"""Layered configuration values, each with its origin."""

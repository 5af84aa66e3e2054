"""Platform import path of the modules for caching, time, prices and amounts."""

__all__ = []

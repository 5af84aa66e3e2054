"""Platform import path of the logger mixin."""

from tradai.core import LoggerMixin

__all__ = ["LoggerMixin"]

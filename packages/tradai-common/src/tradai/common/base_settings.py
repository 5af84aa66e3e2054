"""Platform import path of the settings base class."""

from tradai.core import BaseSettings

__all__ = ["BaseSettings"]

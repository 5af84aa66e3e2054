"""Platform import path of the repository base classes."""

from tradai.core import DataRepository, Repository

__all__ = ["DataRepository", "Repository"]

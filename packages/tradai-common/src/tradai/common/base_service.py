"""Platform import path of the service base class."""

from tradai.common._optional import OptionalDistribution

with OptionalDistribution("entrypoint"):
    from tradai.entrypoint import BaseService

__all__ = ["BaseService"]

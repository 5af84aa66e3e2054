"""Platform import path of the service base class."""

from tradai.common._optional import OptionalSlice

with OptionalSlice("entrypoint"):
    from tradai.entrypoint import BaseService

__all__ = ["BaseService"]

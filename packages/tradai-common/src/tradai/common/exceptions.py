"""Platform import path of the error classes."""

from tradai.core.exceptions import (
    ConfigurationError,
    ExternalServiceError,
    NotFoundError,
    StorageError,
    TradAIError,
    TradingError,
    ValidationError,
)

__all__ = [
    "ConfigurationError",
    "ExternalServiceError",
    "NotFoundError",
    "StorageError",
    "TradAIError",
    "TradingError",
    "ValidationError",
]

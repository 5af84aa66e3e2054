"""Seed path of the error tree."""

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

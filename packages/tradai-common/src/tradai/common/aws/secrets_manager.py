"""Seed path of secrets; the module it takes the place of was misspelt ``secrets_maneger``."""

from tradai.aws import (
    HeldSecret,
    SecretsEditor,
    SecretsManager,
    SecretsPolicy,
    get_secret,
    get_secrets_client,
)

__all__ = [
    "HeldSecret",
    "SecretsEditor",
    "SecretsManager",
    "SecretsPolicy",
    "get_secret",
    "get_secrets_client",
]

"""Platform import path of secrets; it replaces the misspelt module ``secrets_maneger``."""

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

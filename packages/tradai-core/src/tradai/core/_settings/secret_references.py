"""Secrets of a job, given by reference: where to find what ``env:NAME`` asks for."""

from collections.abc import Mapping
from typing import Final, final

from pydantic import Field, field_validator
from pydantic_settings import SettingsConfigDict

from tradai.core._local.secret_sources import EnvironmentSecrets
from tradai.core._secrets.reference import SecretReference
from tradai.core._settings.base_settings import BaseSettings
from tradai.core.exceptions import ValidationError

_EXPECTED: Final = "a reference of another scheme than env:"


@final
class SecretReferenceSettings(BaseSettings):
    """References that stand for secrets in variables.

    A job runner that resolves no secrets itself sets it. The values are then in no environment,
    because each is resolved where it is used.

    Attributes:
        by_variable: Reference that ``env:NAME`` stands for, by the name of a variable that is not
            set; JSON, such as ``{"API_KEY": "aws-sm:trading/key"}``.
    """

    model_config = SettingsConfigDict(env_prefix="TRADAI_SECRET_")

    by_variable: Mapping[str, SecretReference] = Field(
        default={}, validation_alias="TRADAI_SECRET_REFERENCES"
    )

    @field_validator("by_variable")
    @classmethod
    def _leads_elsewhere(
        cls, references: Mapping[str, SecretReference]
    ) -> Mapping[str, SecretReference]:
        if any(reference.scheme == "env" for reference in references.values()):
            message = f"a reference to a secret is not usable: expected {_EXPECTED}"
            raise ValidationError(message, expected=_EXPECTED)
        return references

    @classmethod
    def source_for(cls, uri: str) -> EnvironmentSecrets:
        """Return the source of every ``env:`` reference, with the references of the environment.

        Raises:
            ConfigurationError: The variable is not valid.
        """
        del uri
        return EnvironmentSecrets(references=cls().by_variable)

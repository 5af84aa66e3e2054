"""Secret files that others may read, named by the operator."""

from pathlib import Path
from typing import final

from pydantic_settings import SettingsConfigDict

from tradai.core._local.secret_sources import FileSecrets
from tradai.core._settings.base_settings import BaseSettings


@final
class SecretFileSettings(BaseSettings):
    """Secret files of the process; each field is the variable ``TRADAI_SECRET_<FIELD>``.

    Attributes:
        shared_files: Files, or folders of files, that others may read and that root may own, as
            orchestrators mount them; JSON, such as ``["/run/secrets"]``.
    """

    model_config = SettingsConfigDict(env_prefix="TRADAI_SECRET_")

    shared_files: tuple[Path, ...] = ()

    @classmethod
    def source_for(cls, uri: str) -> FileSecrets:
        """Return the source of every ``file:`` reference, with the shared files of the environment.

        Raises:
            ConfigurationError: The variable is not valid.
        """
        del uri
        return FileSecrets(shared=cls().shared_files)

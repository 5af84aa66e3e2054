"""Settings of live trading: its confirmation, its keys, and the places of what outlives it."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final, final

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from tradai.core import BaseSettings, SecretReference
from tradai.core.exceptions import ConfigurationError

_PREFIX: Final = "TRADAI_LIVE_"
# Of each setting without which no session starts: its meaning, and an example.
_NEEDED: Final = {
    "approvals": ("the place of approvals", "file:/srv/tradai/approvals"),
    "api_key": ("the reference of the API key", "file:/run/secrets/api-key"),
    "api_secret": ("the reference of the secret of the API key", "file:/run/secrets/api-secret"),
    "lease": ("the place of leases", "file:/srv/tradai/leases"),
    "latch": ("the object that records halts", "file:/srv/tradai/halts.json"),
    "sessions": ("the place of session records", "file:/srv/tradai/sessions"),
}


@final
class LiveSettings(BaseSettings):
    """Settings of live trading; each field is the variable ``TRADAI_LIVE_<FIELD>``.

    A session starts only where all of them that name a place or a key are set.

    Attributes:
        confirm: Confirmation of the plan, ``name@version:hash8``, as `approve` prints it.
        approvals: URI of the place of approvals, such as ``s3://bucket/approvals`` or
            ``mlflow:approvals``.
        approval_key: Reference of the key that signs and verifies approvals.
        allow_unsigned: Whether unsigned approvals count while there is no key.
        lease: URI below which each account has its lease.
        sessions: URI of the place of session records.
        session: Name of the session; unset means the name of the strategy in small letters.
        latch: URI of the object that records halts.
        alerts: URIs of the channels that get alerts, separated by spaces, such as
            ``log: webhook:env:ALERT_URL``.
        databases: Folder that has the engine's database of each account and strategy.
        database_url: Reference of the URL of a Postgres database that has them, in its place.
        api_key: Reference of the API key of the exchange.
        api_secret: Reference of the secret of that key.
        models: Folder or URI of trained FreqAI models, ``models`` of a run; unset means that folder
            beside the source of the strategy, where a version of a registry has them.
        image: Digest of the container image that runs, which the approval names; unset means none.
        dry_run_hours: Hours of dry-run that a configuration must have behind it.
        durable_volume: Folder of a volume that outlives the container; unset means none.
        probe_port: Port of 127.0.0.1 that answers ``/live``, ``/ready`` and ``/startup``; 0 is any
            that is free, and unset serves none.
        longest_session_hours: Most hours that a session may last; unset means without limit.
    """

    model_config = SettingsConfigDict(env_prefix=_PREFIX)

    confirm: str | None = None
    approvals: str | None = None
    approval_key: SecretReference | None = None
    allow_unsigned: bool = False
    lease: str | None = None
    sessions: str | None = None
    session: str | None = None
    latch: str | None = None
    alerts: str = "log:"
    databases: Path | None = None
    database_url: SecretReference | None = None
    api_key: SecretReference | None = None
    api_secret: SecretReference | None = None
    models: str | None = None
    image: str | None = None
    dry_run_hours: Annotated[float, Field(ge=0, le=8_760)] = 24.0
    durable_volume: str | None = None
    probe_port: Annotated[int, Field(ge=0, le=65_535)] | None = None
    longest_session_hours: float | None = Field(default=None, gt=0, le=8_760)

    @property
    def dry_run(self) -> timedelta:
        """The least duration of a dry-run of the same configuration."""
        return timedelta(hours=self.dry_run_hours)

    def session_name(self, strategy: str) -> str:
        """Return the name of the session of `strategy`."""
        return self.session or strategy.lower()

    def place(self, name: str) -> str:
        """Return the setting `name`, which names a place.

        Raises:
            ConfigurationError: It is not set.
        """
        return str(self._needed(name))

    def reference(self, name: str) -> SecretReference:
        """Return the setting `name`, which refers to a secret.

        Raises:
            ConfigurationError: It is not set.
        """
        return SecretReference(str(self._needed(name)))

    def database_place(self) -> Path | SecretReference:
        """Return the folder of trade databases, or the reference of the URL of their server.

        Raises:
            ConfigurationError: Neither is set, or both are.
        """
        places = [each for each in (self.databases, self.database_url) if each is not None]
        if len(places) != 1:
            folder, url = f"{_PREFIX}DATABASES", f"{_PREFIX}DATABASE_URL"
            problem = f"{folder} and {url} are both set" if places else f"{folder} is not set"
            command = f"unset {folder}" if places else f"export {folder}=/srv/tradai/databases"
            message = (
                f"{problem}: LIVE needs the folder of trade databases, or in its place {url}, "
                f"such as env:DATABASE_URL; next: `{command}`"
            )
            raise ConfigurationError(message, key=folder)
        return places[0]

    def _needed(self, name: str) -> object:
        value: object = getattr(self, name)
        if value is not None:
            return value
        variable = f"{_PREFIX}{name.upper()}"
        meaning, example = _NEEDED[name]
        message = (
            f"{variable} is not set: LIVE needs {meaning}; next: `export {variable}={example}`"
        )
        raise ConfigurationError(message, key=variable)

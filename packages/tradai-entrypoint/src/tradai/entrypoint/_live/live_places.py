"""Places of a live session, from its settings: keys, approvals, alerts, halt latch, database."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol, cast

from tradai.core import Clock, backend_for, resolve_secret
from tradai.core.live import Approvals, SessionStore, TradingAccount
from tradai.entrypoint._alerts.alerts import Alerts, alerts_for
from tradai.entrypoint._live._account.account import ApiKeys
from tradai.entrypoint._live._account.key_check import check_keys
from tradai.entrypoint._live._risk.halt_latch import HaltLatch
from tradai.entrypoint._live.live_settings import LiveSettings
from tradai.entrypoint._live.postgres_schema import PostgresSchema


def approvals_of(settings: LiveSettings, *, clock: Clock | None = None) -> Approvals:
    """Return the approvals.

    Raises:
        ConfigurationError: Their place is not set, or no installed distribution serves it.
    """
    store = backend_for("tradai.approvals", settings.place("approvals"))
    return Approvals(
        store,
        key=settings.approval_key,
        allow_unsigned=settings.allow_unsigned,
        clock=clock,
    )


def keys_of(settings: LiveSettings) -> ApiKeys:
    """Resolve the API key and its secret.

    Raises:
        ConfigurationError: A reference is not set, the source refused it, or the keys cannot be
            meant, such as those of a demo.
        NotFoundError: A secret does not exist.
        ExternalServiceError: A source refused or did not answer.
    """
    key, secret = (resolve_secret(settings.reference(name)) for name in ("api_key", "api_secret"))
    keys = ApiKeys(key=key, secret=secret)
    check_keys(keys)
    return keys


class _ReportsRefusals(Protocol):
    """A source of secrets that holds them, such as AWS Secrets Manager."""

    def report_auth_failure(self, version_id: str) -> None:
        """Drop the version, which was refused at a login, and read the secret again."""
        ...


def newer_keys_of(settings: LiveSettings, refused: ApiKeys) -> ApiKeys | None:
    """Report keys that the exchange has refused, and return newer ones; None without any.

    A source that holds secrets drops the refused version, so that keys that were rotated meanwhile
    are found. Each secret is reported once, also when it has both the key and its secret.

    Raises:
        ConfigurationError: The new keys cannot be meant, or the source refused a reference.
        NotFoundError: A secret does not exist any more.
        ExternalServiceError: A source refused or did not answer.
    """
    wholes = (settings.reference(name).whole for name in ("api_key", "api_secret"))
    for whole in dict.fromkeys(wholes):
        source = backend_for("tradai.secrets", whole)
        version = getattr(source.resolve(str(whole)), "version_id", None)
        if version is not None and hasattr(source, "report_auth_failure"):
            cast("_ReportsRefusals", source).report_auth_failure(version)
    newer = keys_of(settings)
    return None if newer == refused else newer


def alerts_of(settings: LiveSettings, *, facts: Mapping[str, str]) -> Alerts:
    """Return the alerts, each with `facts`.

    Raises:
        ConfigurationError: No installed distribution serves a channel.
        ValidationError: A channel does not serve its URI.
    """
    return alerts_for(settings.alerts.split(), facts=facts)


def latch_of(settings: LiveSettings) -> HaltLatch:
    """Return the halt latch.

    Raises:
        ConfigurationError: Its place is not set, or no installed distribution serves it.
    """
    return HaltLatch.for_uri(settings.place("latch"))


def session_store_of(settings: LiveSettings) -> SessionStore:
    """Return the store of session records.

    Raises:
        ConfigurationError: Its place is not set, or no installed distribution serves it.
    """
    return backend_for("tradai.sessions", settings.place("sessions"))


def database_of(
    settings: LiveSettings, account: TradingAccount, strategy: str
) -> Path | PostgresSchema:
    """Return the trade database of `strategy` on `account`; no other combination has it.

    Raises:
        ConfigurationError: Neither folder nor URL is set, or the URL cannot be used.
        NotFoundError: The secret of the URL does not exist.
        ExternalServiceError: The source of the secret refused or did not answer.
    """
    place = settings.database_place()
    if isinstance(place, Path):
        return place.resolve() / f"{_name_of(account)}-{strategy}.sqlite"
    return PostgresSchema.of(resolve_secret(place), account=account, strategy=strategy)


def _name_of(account: TradingAccount) -> str:
    return f"{account.venue}-{account.uid}"

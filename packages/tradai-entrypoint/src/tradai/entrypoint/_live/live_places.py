"""Places of a live session, from its settings: approvals, halt latch, session records."""

from tradai.core import Clock, backend_for
from tradai.core.live import Approvals, SessionStore
from tradai.entrypoint._alerts.alerts import Alerts, alerts_for
from tradai.entrypoint._live.halt_latch import HaltLatch
from tradai.entrypoint._live.live_settings import LiveSettings


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


def alerts_of(settings: LiveSettings) -> Alerts:
    """Return the alerts.

    Raises:
        ConfigurationError: No installed distribution serves a channel.
        ValidationError: A channel does not serve its URI.
    """
    return alerts_for(settings.alerts.split())


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

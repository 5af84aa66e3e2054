"""Look-up of a lease by its URI."""

from tradai.core._lease.lease import Lease
from tradai.core._ports.backends import backend_for


def lease_for(uri: str, *, holder: str | None = None, ttl_s: float = 30.0) -> Lease:
    """Return the lease at `uri`, from the entry point in ``tradai.leases`` named by its scheme.

    Args:
        uri: URI of the lease: ``file:/srv/leases/binance-1``, ``redis://host:6379/0/binance-1``,
            ``s3://bucket/leases/binance-1``.
        holder: Name of the holder, shown to those who are refused; by default this machine and
            process.
        ttl_s: Time to live, 0.1 to 86,400 seconds.

    Raises:
        ConfigurationError: No installed distribution serves the URI.
        ValidationError: The URI, `holder` or `ttl_s` is not usable.
    """
    store = backend_for("tradai.leases", uri)
    return Lease(store, name=uri, holder=holder, ttl_s=ttl_s)

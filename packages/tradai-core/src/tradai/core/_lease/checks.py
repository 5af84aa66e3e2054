"""Checks of the values that a caller gives a lease."""

import os
import socket
from typing import Final

from tradai.core._lease.record import LONGEST_S, SHORTEST_S
from tradai.core._secrets.redaction import redact
from tradai.core.exceptions import ValidationError

_LONGEST_NAME: Final = 200


def checked_holder(holder: str | None) -> str:
    """Return the name of a holder without secrets; by default that of this machine and process.

    Raises:
        ValidationError: It is not usable.
    """
    if holder is None:
        return f"process {os.getpid()} on {socket.gethostname()}"
    if not holder.strip() or not holder.isprintable() or len(holder) > _LONGEST_NAME:
        expected = f"1 to {_LONGEST_NAME} printable characters"
        message = f"a holder's name is not usable: expected {expected}"
        raise ValidationError(message, field="holder", expected=expected)
    return redact(holder)


def checked_ttl(ttl_s: float) -> float:
    """Return the time to live.

    Raises:
        ValidationError: It is not usable.
    """
    if not SHORTEST_S <= ttl_s <= LONGEST_S:
        expected = f"{SHORTEST_S:g} to {LONGEST_S:,.0f} seconds"
        message = f"a time to live of {ttl_s} is not usable: expected {expected}"
        raise ValidationError(message, field="ttl_s", expected=expected)
    return ttl_s

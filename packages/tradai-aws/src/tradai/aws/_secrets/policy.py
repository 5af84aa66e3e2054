"""How long a secret that is held may be served."""

from dataclasses import dataclass
from typing import Final, final

from tradai.core.exceptions import ValidationError

__all__ = ["SecretsPolicy"]

_LONGEST_REFUSAL_S: Final = 10.0
_EXPECTED: Final = "0 < fresh_s <= usable_s <= outage_s, wait_s >= 0, 0 <= retry_s <= 10, most >= 1"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class SecretsPolicy:
    """How long a secret is served after it was read, in seconds of a clock that never jumps.

    Attributes:
        fresh_s: Up to here it is simply served. From here on it is served at once too, while one
            refresh runs behind the readers.
        usable_s: From here on readers wait for the refresh, though no longer than `wait_s`.
        outage_s: When AWS did not answer the last refresh, it is served at once up to here instead,
            and refreshed behind the readers.
        wait_s: How long a reader waits while something is held that may be served in an outage.
        retry_s: How long a failure is remembered before AWS is asked again; at most 10.
        most: How many secrets are held; the one that was refreshed longest ago gives way.
    """

    fresh_s: float = 300.0
    usable_s: float = 900.0
    outage_s: float = 3600.0
    wait_s: float = 5.0
    retry_s: float = 5.0
    most: int = 1024

    def __post_init__(self) -> None:
        """Check that the times are in order.

        Raises:
            ValidationError: They are not.
        """
        is_ordered = 0 < self.fresh_s <= self.usable_s <= self.outage_s
        is_short = 0 <= self.retry_s <= _LONGEST_REFUSAL_S and self.wait_s >= 0
        if not (is_ordered and is_short and self.most >= 1):
            message = f"a policy for secrets is not usable: expected {_EXPECTED}"
            raise ValidationError(message, field="policy", expected=_EXPECTED)

"""Time limits for serving a secret from memory."""

from dataclasses import dataclass
from typing import Final, final

from tradai.core.exceptions import ValidationError

_MAX_RETRY_S: Final = 10.0
_EXPECTED: Final = "0 < fresh_s <= usable_s <= outage_s, wait_s >= 0, 0 <= retry_s <= 10, most >= 1"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class SecretsPolicy:
    """Time limits for serving a secret from memory, in seconds of a monotonic clock.

    Attributes:
        fresh_s: Age up to which a secret is served without asking AWS. An older one is still
            served at once, while one refresh runs in the background.
        usable_s: Age from which readers wait for the refresh, up to `wait_s`.
        outage_s: Age up to which a secret is served at once, instead of `usable_s`, when AWS did
            not answer the last refresh; it is refreshed in the background.
        wait_s: Longest wait of a reader for a refresh, when a value up to `outage_s` old is held
            that can be served instead.
        retry_s: Time for which a failure is remembered before AWS is asked again; at most 10.
        most: Largest number of secrets held; the one refreshed longest ago is evicted.
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
        is_short = 0 <= self.retry_s <= _MAX_RETRY_S and self.wait_s >= 0
        if not (is_ordered and is_short and self.most >= 1):
            message = f"a policy for secrets is not usable: expected {_EXPECTED}"
            raise ValidationError(message, field="policy", expected=_EXPECTED)

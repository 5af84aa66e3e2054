"""Checks of what a backend needs outside of this process."""

from dataclasses import dataclass
from typing import final

from tradai.core.exceptions import TradAIError


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceCheck:
    """A resource or a right that a backend needs, and whether it is there.

    An entry point of the group ``tradai.checks`` returns these; it changes nothing, and returns
    none where its backend is not in use.

    Attributes:
        resource: The resource or the right, such as ``cluster jobs``.
        error: Reason why it cannot be used; None when it can.
    """

    resource: str
    error: TradAIError | None = None

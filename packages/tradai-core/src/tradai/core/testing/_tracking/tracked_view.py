"""A tracked run as its server has it."""

from dataclasses import dataclass, field
from typing import final

from tradai.core._ports.tracker import MetricPoint, TrackedStatus


@final
@dataclass(slots=True, kw_only=True)
class TrackedView:
    """Facts that a tracking server has of one run.

    Attributes:
        points: Points in the order of their metric, instant and step.
        artifacts: Content of each file, by its name.
        status: Its end; None while it goes on.
    """

    id: str
    name: str
    experiment: str
    parent_id: str | None = None
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    points: list[MetricPoint] = field(default_factory=list)
    artifacts: dict[str, bytes] = field(default_factory=dict)
    status: TrackedStatus | None = None

"""Choices of the user of the runner of ECS."""

from dataclasses import dataclass
from typing import final

from tradai.core.exceptions import ValidationError


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class EcsPolicy:
    """Choices about launches.

    Attributes:
        attempts: Number of tasks that a job may have when AWS takes back Spot capacity.
        launch_budget_s: Seconds for which a submit goes on when AWS cannot place the task.
        spills: Whether a command and variables that are too large for ECS are written to the job
            store, where ``tradai-entrypoint jobs exec`` in the image reads them.
        runs_foreign_images: Whether images are without tradai, so that ECS itself puts the values
            of secrets into variables. Never for a bot that trades.
    """

    attempts: int = 1
    launch_budget_s: float = 300.0
    spills: bool = False
    runs_foreign_images: bool = False

    def __post_init__(self) -> None:
        """Check the amounts.

        Raises:
            ValidationError: One of them is not usable.
        """
        if self.attempts < 1 or self.launch_budget_s <= 0:
            expected = "1 attempt or more, and a budget above 0"
            message = f"a policy of ECS jobs is not usable: expected {expected}"
            raise ValidationError(message, field="policy", expected=expected)

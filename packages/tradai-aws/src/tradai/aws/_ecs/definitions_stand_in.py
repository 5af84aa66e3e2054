"""Stand-in until the definitions arrive."""

from collections.abc import Mapping
from typing import Any

from tradai.aws._ecs.task_definition import MAIN_CONTAINER
from tradai.core import JobSpec


def build_overrides(spec: JobSpec) -> Mapping[str, Any]:
    env = {**spec.environment, **{name: str(ref) for name, ref in spec.secrets.items()}}
    return {
        "containerOverrides": [
            {
                "name": MAIN_CONTAINER,
                "command": list(spec.command),
                "environment": [{"name": n, "value": v} for n, v in sorted(env.items())],
            }
        ]
    }

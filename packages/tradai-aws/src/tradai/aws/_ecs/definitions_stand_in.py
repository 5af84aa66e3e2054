"""Stand-in until the definitions arrive."""

from collections.abc import Mapping
from typing import Any

from tradai.aws._ecs.client import EcsClient, translated
from tradai.aws._ecs.settings import EcsSettings
from tradai.core import JobSpec


def register_once(client: EcsClient, spec: JobSpec, settings: EcsSettings) -> str:
    with translated("register_task_definition", spec.job_id):
        found = client.register_task_definition(
            family="tradai-job",
            networkMode="awsvpc",
            requiresCompatibilities=["FARGATE"],
            cpu=str(spec.cpu_units or 1024),
            memory=str(spec.memory_mib or 2048),
            taskRoleArn=settings.task_role_arn,
            executionRoleArn=settings.execution_role_arn,
            containerDefinitions=[
                {
                    "name": "main",
                    "image": spec.image or "none",
                    "stopTimeout": min(spec.stop_grace_s, 120),
                }
            ],
        )
    return str(found["taskDefinition"]["taskDefinitionArn"])


def build_overrides(spec: JobSpec) -> Mapping[str, Any]:
    env = {**spec.environment, **{name: str(ref) for name, ref in spec.secrets.items()}}
    return {
        "containerOverrides": [
            {
                "name": "main",
                "command": list(spec.command),
                "environment": [{"name": n, "value": v} for n, v in sorted(env.items())],
            }
        ]
    }

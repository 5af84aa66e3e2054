"""Platform import path of jobs on ECS."""

from tradai.aws import ECSJobManager, EcsRunner, EcsSettings
from tradai.core import JobHandle, JobInfo, JobSpec, JobStatus

__all__ = [
    "ECSJobManager",
    "EcsRunner",
    "EcsSettings",
    "JobHandle",
    "JobInfo",
    "JobSpec",
    "JobStatus",
]

"""The record of a job that was never launched: its definition, its overrides and its request."""

from typing import final

from tradai.aws._ecs._launch.evidence import RUN_STORE
from tradai.aws._ecs._launch.record import LaunchRecord
from tradai.aws._ecs._launch.request import base_request, own_variables, placements
from tradai.aws._ecs.client import EcsClient
from tradai.aws._ecs.overrides import (
    Overrides,
    check_size,
    foreign_overrides_of,
    overrides_of,
    spill,
    value_from,
)
from tradai.aws._ecs.policy import EcsPolicy
from tradai.aws._ecs.registration import forget, register_once
from tradai.aws._ecs.settings import EcsSettings
from tradai.aws._ecs.task_definition import MAIN_CONTAINER, task_definition
from tradai.core import JobSpec, ObjectStore, WaitingClock
from tradai.core.exceptions import ValidationError


@final
class NewJobs:
    """Makes records for specifications, by the settings of one cluster."""

    def __init__(
        self,
        client: EcsClient,
        settings: EcsSettings,
        policy: EcsPolicy,
        spilled: tuple[ObjectStore, str],
        *,
        clock: WaitingClock,
    ) -> None:
        """Write what is too large for ECS to the store and folder `spilled`, by the policy."""
        self._client = client
        self._settings = settings
        self._policy = policy
        self._spilled = spilled
        self._clock = clock

    def record(self, spec: JobSpec) -> LaunchRecord:
        """Return the record of a job; its definition is registered.

        Raises:
            ValidationError: Fargate cannot run such a job.
            AwsError: The definition could not be registered.
        """
        overrides = self._overrides(spec)
        definition = self._definition(spec)
        now = self._clock.now()
        return LaunchRecord(
            job_id=spec.job_id,
            spec_digest=spec.digest,
            request=base_request(
                spec, self._settings, definition=definition, overrides=overrides, now=now
            ),
            placements=tuple(placements(spec, self._settings)),
            container=MAIN_CONTAINER,
            log_group=self._settings.log_group,
            run_store=spec.environment.get(RUN_STORE, ""),
            time_limit_s=spec.time_limit_s,
            attempts=self._policy.attempts,
            tried_at=now,
        )

    def forget(self, record: LaunchRecord) -> None:
        """Look for another revision of the definition of `record`, which is not active."""
        forget(self._client, record.request["taskDefinition"])

    def _overrides(self, spec: JobSpec) -> Overrides:
        own = own_variables(spec)
        build = foreign_overrides_of if self._policy.runs_foreign_images else overrides_of
        overrides = build(spec, runner=own)
        try:
            check_size(overrides, spec)
        except ValidationError:
            if not self._policy.spills:
                raise
            return spill(spec, *self._spilled, runner=own)
        return overrides

    def _definition(self, spec: JobSpec) -> str:
        """Return the ARN of a revision for a job."""
        wanted = task_definition(
            spec,
            task_role_arn=self._settings.task_role_arn,
            execution_role_arn=self._settings.execution_role_arn,
            log_group=self._settings.log_group,
            region=self._client.meta.region_name,
            value_from=value_from(spec) if self._policy.runs_foreign_images else None,
        )
        return register_once(self._client, wanted, wait=self._clock.sleep)

"""The runner of ECS keeps the promises of the port; its fixtures are in conftest."""

from tradai.core.testing import JobRunnerContract, JobStopsContract


class TestEcsRunner(JobRunnerContract):
    pass


class TestEcsStops(JobStopsContract):
    pass

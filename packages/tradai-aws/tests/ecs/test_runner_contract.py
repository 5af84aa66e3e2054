"""The runner of ECS keeps the promises of the port; its fixtures are in conftest."""

from tradai.core.testing import JobLogsContract, JobRunnerContract, JobStopsContract


class TestEcsRunner(JobRunnerContract):
    pass


class TestEcsLogs(JobLogsContract):
    pass


class TestEcsStops(JobStopsContract):
    pass

"""Test kit: fakes of AWS services, and fresh clients for the next test.

A fake replaces boto3's client only, so that all code above it is tested as it is.
"""

from tradai.core import lazy_exports

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tradai.aws.testing._fake_ecr import FakeEcr as FakeEcr
    from tradai.aws.testing._fake_ecs import FakeEcs as FakeEcs
    from tradai.aws.testing._fake_logs import FakeLogs as FakeLogs
    from tradai.aws.testing._fake_secrets import FakeSecretsClient as FakeSecretsClient
    from tradai.aws.testing._fake_task import (
        FakeTask as FakeTask,
        TaskDelays as TaskDelays,
        TaskScript as TaskScript,
    )
    from tradai.aws.testing._reset_clients import reset_clients as reset_clients
    from tradai.aws.testing._virtual_clock import VirtualClock as VirtualClock

if not TYPE_CHECKING:
    __getattr__, __dir__, __all__ = lazy_exports(
        __name__,
        {
            "_fake_ecs": "FakeEcs",
            "_fake_logs": "FakeLogs",
            "_fake_ecr": "FakeEcr",
            "_fake_secrets": "FakeSecretsClient",
            "_fake_task": "FakeTask TaskDelays TaskScript",
            "_reset_clients": "reset_clients",
            "_virtual_clock": "VirtualClock",
        },
    )

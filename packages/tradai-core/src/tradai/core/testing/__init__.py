"""Test kit: fakes of our ports, and conformance suites that implementations inherit.

A suite is a class of pytest tests with fixtures to fill in. Inherit it, name the class
``Test...`` and define the fixtures its docstring lists; pytest finds the rest::

    class TestShelfStore(ObjectStoreContract):
        @pytest.fixture
        def store(self) -> ObjectStore:
            return ShelfStore()

        @pytest.fixture
        def base(self) -> str:
            return "shelf:"

`failing_tests` runs a suite against a wrong implementation, to check that the suite catches it.

Suites need pytest; `DataRepositoryContract` needs ``tradai-core[frames]`` as well.
"""

from tradai.core._lazy import lazy_exports

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tradai.core.testing._alert_contract import AlertChannelContract as AlertChannelContract
    from tradai.core.testing._approvals.memory_store import (
        MemoryApprovalStore as MemoryApprovalStore,
    )
    from tradai.core.testing._approvals.store_contract import (
        ApprovalStoreContract as ApprovalStoreContract,
    )
    from tradai.core.testing._candle_contract import (
        DataRepositoryContract as DataRepositoryContract,
    )
    from tradai.core.testing._clock_contract import ClockContract as ClockContract
    from tradai.core.testing._failing_tests import failing_tests as failing_tests
    from tradai.core.testing._fakes import (
        FixedClock as FixedClock,
        MemoryJournal as MemoryJournal,
        MemoryLeaseStore as MemoryLeaseStore,
        MemorySessionStore as MemorySessionStore,
        ScriptedSecrets as ScriptedSecrets,
    )
    from tradai.core.testing._jobs.fake_runner import (
        FakeRunner as FakeRunner,
        JobMemory as JobMemory,
    )
    from tradai.core.testing._jobs.logs_contract import JobLogsContract as JobLogsContract
    from tradai.core.testing._jobs.runner_contract import JobRunnerContract as JobRunnerContract
    from tradai.core.testing._jobs.script import JobScript as JobScript
    from tradai.core.testing._jobs.stops_contract import JobStopsContract as JobStopsContract
    from tradai.core.testing._journal_contract import RunJournalContract as RunJournalContract
    from tradai.core.testing._lease_contract import LeaseContract as LeaseContract
    from tradai.core.testing._repository_contract import RepositoryContract as RepositoryContract
    from tradai.core.testing._secret_contract import SecretSourceContract as SecretSourceContract
    from tradai.core.testing._sessions.contract import (
        SessionStoreContract as SessionStoreContract,
    )
    from tradai.core.testing._store_contract import ObjectStoreContract as ObjectStoreContract
    from tradai.core.testing._tracking.memory_tracker import MemoryTracker as MemoryTracker
    from tradai.core.testing._tracking.tracked_view import TrackedView as TrackedView
    from tradai.core.testing._tracking.tracker_contract import TrackerContract as TrackerContract

if not TYPE_CHECKING:
    __getattr__, __dir__, __all__ = lazy_exports(
        __name__,
        {
            "_alert_contract": "AlertChannelContract",
            "_approvals.memory_store": "MemoryApprovalStore",
            "_approvals.store_contract": "ApprovalStoreContract",
            "_candle_contract": "DataRepositoryContract",
            "_clock_contract": "ClockContract",
            "_failing_tests": "failing_tests",
            "_fakes": (
                "FixedClock MemoryJournal MemoryLeaseStore MemorySessionStore ScriptedSecrets"
            ),
            "_jobs.fake_runner": "FakeRunner JobMemory",
            "_jobs.logs_contract": "JobLogsContract",
            "_jobs.runner_contract": "JobRunnerContract",
            "_jobs.script": "JobScript",
            "_jobs.stops_contract": "JobStopsContract",
            "_journal_contract": "RunJournalContract",
            "_lease_contract": "LeaseContract",
            "_repository_contract": "RepositoryContract",
            "_secret_contract": "SecretSourceContract",
            "_sessions.contract": "SessionStoreContract",
            "_store_contract": "ObjectStoreContract",
            "_tracking.memory_tracker": "MemoryTracker",
            "_tracking.tracked_view": "TrackedView",
            "_tracking.tracker_contract": "TrackerContract",
        },
    )

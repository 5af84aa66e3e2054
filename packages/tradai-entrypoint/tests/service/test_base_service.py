import asyncio
import gc
import logging
import math
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Coroutine
from datetime import UTC, timedelta
from pathlib import Path
from typing import Generic, TypeVar

import pytest

from tradai.core import BaseSettings
from tradai.core.exceptions import ConfigurationError, ValidationError
from tradai.entrypoint import (
    SERVICE_TRANSITIONS,
    AsyncService,
    BaseService,
    Interrupts,
    ServiceState,
)

type_of_both = pytest.mark.parametrize("kind", [BaseService, AsyncService])
Kind = type[BaseService[BaseSettings]] | type[AsyncService[BaseSettings]]
Service = BaseService[BaseSettings] | AsyncService[BaseSettings]


class DemoSettings(BaseSettings):
    port: int = 8000


def made(kind: Kind, **hooks: Callable[[Service], None]) -> Service:
    """Return a service with `hooks`, as coroutines for a service on an event loop."""
    body: dict[str, object] = dict(hooks)
    if kind is AsyncService:
        body = {name: as_coroutine(hook) for name, hook in hooks.items()}
    service: Service = type("Demo", (kind,), body)()
    return service


def as_coroutine(
    hook: Callable[[Service], None],
) -> Callable[[Service], Coroutine[None, None, None]]:
    async def call(service: Service) -> None:
        hook(service)

    return call


def failing(text: str) -> Callable[..., None]:
    def fail(*_: object) -> None:
        raise RuntimeError(text)

    return fail


def nothing(_: Service) -> None:
    pass


@type_of_both
def test_a_foreign_settings_class_is_refused_when_the_service_class_is_defined(
    kind: Kind,
) -> None:
    with pytest.raises(ConfigurationError, match=r"Broken\.settings_class"):
        type("Broken", (kind,), {"settings_class": dict})


def test_the_settings_class_can_be_the_type_argument() -> None:
    class Sync(BaseService[DemoSettings]):
        pass

    class Async(AsyncService[DemoSettings]):
        pass

    assert Sync.settings_class is DemoSettings
    assert Async.settings_class is DemoSettings
    assert Sync().settings.port == 8000


J = TypeVar("J")
S = TypeVar("S", bound=BaseSettings)


class JobSettings(DemoSettings):
    pass


def test_a_generic_base_of_something_else_keeps_its_settings_class() -> None:
    class Worker(BaseService[DemoSettings], Generic[J]):
        pass

    class Chosen(BaseService[DemoSettings], Generic[J]):
        settings_class = JobSettings

    class MailWorker(Worker[str]):
        pass

    class ChosenWorker(Chosen[str]):
        pass

    assert MailWorker.settings_class is DemoSettings
    assert ChosenWorker.settings_class is JobSettings


def test_the_settings_class_is_found_behind_type_variables_in_another_order() -> None:
    class Worker(BaseService[S], Generic[J, S]):
        pass

    class Turned(Worker[J, S], Generic[S, J]):
        pass

    class MailWorker(Turned[JobSettings, str]):
        pass

    assert MailWorker.settings_class is JobSettings


def test_ready_settings_are_taken_as_they_are() -> None:
    service = BaseService(DemoSettings(port=1))

    assert service.settings.port == 1


@pytest.mark.parametrize("drain_s", [0, -1, math.nan, math.inf])
def test_a_drain_time_that_is_not_positive_and_finite_is_refused(drain_s: float) -> None:
    with pytest.raises(ValidationError, match="drain_s"):
        BaseService(DemoSettings(), drain_s=drain_s)


def test_the_table_of_transitions_leads_from_new_to_an_end_and_never_back() -> None:
    order = list(ServiceState)
    ends = {state for state in order if not SERVICE_TRANSITIONS[state]}

    assert set(SERVICE_TRANSITIONS) == set(order)
    assert ends == {ServiceState.STOPPED, ServiceState.FAILED}
    assert all(order.index(to) > order.index(at) for at in order for to in SERVICE_TRANSITIONS[at])
    assert all(SERVICE_TRANSITIONS[at] & ends == set() for at in order[:3])
    with pytest.raises(TypeError):
        # That this cannot be is the point.
        SERVICE_TRANSITIONS[ServiceState.NEW] = frozenset()  # type: ignore[index]


@type_of_both
def test_sigterm_stops_a_running_service_in_order(kind: Kind) -> None:
    events: list[str] = []
    service = made(
        kind,
        start=lambda _: events.append("start"),
        serve=lambda _: os.kill(os.getpid(), signal.SIGTERM),
        stop=lambda one: events.append(f"stop while {one.state}"),
    )

    code = service.run()

    assert code == 0
    assert events == ["start", "stop while stopping"]
    assert service.state is ServiceState.STOPPED


@type_of_both
def test_by_default_a_service_serves_until_a_signal_arrives(kind: Kind) -> None:
    service = made(kind)

    def tell_when_running() -> None:
        while service.state is not ServiceState.RUNNING:
            pass
        os.kill(os.getpid(), signal.SIGINT)

    teller = threading.Thread(target=tell_when_running)
    teller.start()

    assert service.run() == 0
    assert service.state is ServiceState.STOPPED
    teller.join()


@type_of_both
def test_a_signal_during_start_skips_serve(kind: Kind) -> None:
    served: list[str] = []

    def start(service: Service) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        while not service.stop_requested:
            pass
        assert service.health().state is ServiceState.STOPPING
        assert service.health().detail == "SIGTERM asked to stop"

    service = made(kind, start=start, serve=lambda _: served.append("served"))

    assert service.run() == 0
    assert not served
    assert service.state is ServiceState.STOPPED


@type_of_both
def test_a_signal_before_the_run_stops_the_service(kind: Kind) -> None:
    with Interrupts() as interrupts:
        os.kill(os.getpid(), signal.SIGTERM)
        assert interrupts.received

        assert kind(interrupts=interrupts).run() == 0


@type_of_both
def test_any_thread_may_request_a_stop_and_health_has_the_reason(kind: Kind) -> None:
    seen: list[str] = []

    def serve(service: Service) -> None:
        asker = threading.Thread(target=service.request_stop, args=("the feed is gone",))
        asker.start()
        asker.join()
        seen.append(service.health().detail)

    service = made(kind, serve=serve)

    assert service.run() == 0
    assert seen == ["the feed is gone"]


@type_of_both
def test_outside_of_the_main_thread_a_service_runs_without_signals(kind: Kind) -> None:
    service = made(kind)
    codes: list[int] = []
    runner = threading.Thread(target=lambda: codes.append(service.run()))

    runner.start()
    service.request_stop()
    runner.join(60)

    assert codes == [0]


@type_of_both
def test_a_service_runs_once(kind: Kind) -> None:
    service = made(kind, serve=nothing)
    service.run()

    with pytest.raises(ValidationError, match="stopped cannot become starting: it has ended"):
        service.run()

    assert service.state is ServiceState.STOPPED


@type_of_both
def test_health_has_state_time_and_reason(kind: Kind) -> None:
    service = made(kind, serve=failing("sekret"))
    before = service.health()

    with pytest.raises(RuntimeError):
        service.run()

    after = service.health()
    assert (before.state, before.detail) == (ServiceState.NEW, "")
    assert (after.state, after.detail) == (ServiceState.FAILED, "serve: RuntimeError")
    assert before.since.utcoffset() == timedelta(0)
    assert before.since.tzinfo is UTC
    assert before.since <= after.since


@type_of_both
def test_an_error_of_start_is_raised_after_all_resources_are_closed(kind: Kind) -> None:
    events: list[str] = []

    def start(service: Service) -> None:
        service.resources.callback(events.append, "closed")
        raise RuntimeError("no port")

    service = made(
        kind,
        start=start,
        serve=lambda _: events.append("served"),
        stop=lambda _: events.append("stopped"),
    )

    with pytest.raises(RuntimeError, match="no port"):
        service.run()

    assert events == ["stopped", "closed"]
    assert service.state is ServiceState.FAILED


@type_of_both
def test_resources_are_closed_after_stop_the_newest_first(kind: Kind) -> None:
    events: list[str] = []

    def start(service: Service) -> None:
        for name in ("database", "feed", "lease"):
            service.resources.callback(events.append, name)

    made(kind, start=start, serve=nothing, stop=lambda _: events.append("stop")).run()

    assert events == ["stop", "lease", "feed", "database"]


@type_of_both
def test_all_resources_are_closed_though_some_fail_and_the_first_error_is_raised(
    kind: Kind,
) -> None:
    events: list[str] = []

    def start(service: Service) -> None:
        service.resources.callback(failing("database stuck"))
        service.resources.callback(events.append, "feed closed")
        service.resources.callback(failing("lease lost"))

    service = made(kind, start=start, serve=failing("no bar"), stop=failing("not flushed"))

    with pytest.raises(RuntimeError, match="no bar") as caught:
        service.run()

    assert events == ["feed closed"]
    assert caught.value.__notes__ == [
        "then stop failed: RuntimeError: not flushed",
        "then close failed: RuntimeError: lease lost",
        "then close failed: RuntimeError: database stuck",
    ]
    assert service.health().detail == (
        "serve: RuntimeError, stop: RuntimeError, close: RuntimeError, close: RuntimeError"
    )


@type_of_both
def test_a_service_that_cannot_stop_has_failed(kind: Kind) -> None:
    service = made(kind, serve=nothing, stop=failing("not flushed"))

    with pytest.raises(RuntimeError, match="not flushed"):
        service.run()

    assert service.state is ServiceState.FAILED


@type_of_both
def test_an_exit_from_a_hook_closes_all_resources_too(kind: Kind) -> None:
    events: list[str] = []

    def serve(_: Service) -> None:
        sys.exit(3)

    service = made(kind, serve=serve, stop=lambda _: events.append("stop"))

    with pytest.raises(SystemExit) as caught:
        service.run()

    assert caught.value.code == 3
    assert events == ["stop"]
    assert service.state is ServiceState.FAILED


@type_of_both
def test_each_change_of_state_is_logged(kind: Kind, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    made(kind, serve=nothing).run()

    lines = [record for record in caplog.records if record.msg == "service state changed"]
    assert [record.__dict__["state"] for record in lines] == [
        "starting",
        "running",
        "stopping",
        "stopped",
    ]
    assert lines[2].__dict__["detail"] == "its work is done"


def test_a_sync_service_waits_no_longer_than_its_timeout() -> None:
    service = BaseService(DemoSettings())

    assert not service.wait_for_stop(0.01)
    service.request_stop()
    assert service.wait_for_stop(0.01)
    assert service.stop_requested


def test_an_async_service_lets_other_tasks_work_while_it_waits() -> None:
    events: list[str] = []

    class Trader(AsyncService[DemoSettings]):
        async def start(self) -> None:
            await self.resources.enter_async_context(asyncio.timeout(300))
            self.resources.push_async_callback(self.note, "closed")

        async def serve(self) -> None:
            assert not await self.wait_for_stop(0.01)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self.work())
                assert await self.wait_for_stop()

        async def work(self) -> None:
            events.append("worked")
            await asyncio.to_thread(self.request_stop)

        async def note(self, text: str) -> None:
            events.append(text)

    assert Trader().run() == 0
    assert events == ["worked", "closed"]


def test_no_thread_and_no_descriptor_is_left_behind() -> None:
    def rounds(count: int) -> tuple[int, int]:
        for _ in range(count):
            made(BaseService, serve=nothing).run()
        gc.collect()
        return threading.active_count(), len(list(Path("/dev/fd").iterdir()))

    assert rounds(5) == rounds(1)


def test_a_sync_service_imports_neither_the_async_one_nor_hydra() -> None:
    # That asyncio itself is there is pydantic-settings' doing.
    program = (
        "import sys, tradai.entrypoint as e\n"
        "class Done(e.BaseService):\n"
        "    def serve(self): pass\n"
        "Done(overrides=['a=1']).run()\n"
        "names = ('tradai.entrypoint._service.async_base_service', 'hydra', 'pandas')\n"
        "print([name for name in names if name in sys.modules])"
    )

    ended = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )

    assert ended.stdout.strip() == "[]"

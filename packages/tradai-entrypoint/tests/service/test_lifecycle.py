"""Compare the lifecycle of a service with a model of it, for any order of events."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Literal

import pytest
from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tradai.core import BaseSettings
from tradai.core.exceptions import ValidationError
from tradai.entrypoint import SERVICE_TRANSITIONS, AsyncService, BaseService, ServiceState

Order = Literal["return", "raise"]
END = "end"
PATIENCE_S = 60


class StepError(Exception):
    """The error that a step of the test raises."""


class Strings:
    """Pauses the service in each of its steps until the test says how the step ends."""

    def __init__(self) -> None:
        self._reached: SimpleQueue[str] = SimpleQueue()
        self._orders: SimpleQueue[Order] = SimpleQueue()

    def hold(self, step: str) -> None:
        self._reached.put(step)
        if self._orders.get(timeout=PATIENCE_S) == "raise":
            raise StepError(step)

    def has_ended(self) -> None:
        self._reached.put(END)

    def pull(self, order: Order) -> None:
        self._orders.put(order)

    def next_step(self) -> str:
        return self._reached.get(timeout=PATIENCE_S)


class Puppet(BaseService[BaseSettings]):
    strings: Strings

    def start(self) -> None:
        self.resources.callback(self.strings.hold, "close first")
        self.resources.callback(self.strings.hold, "close second")
        self.strings.hold("start")

    def serve(self) -> None:
        self.strings.hold("serve")

    def stop(self) -> None:
        self.strings.hold("stop")


class AsyncPuppet(AsyncService[BaseSettings]):
    strings: Strings

    async def start(self) -> None:
        self.resources.callback(self.strings.hold, "close first")
        self.resources.callback(self.strings.hold, "close second")
        self.strings.hold("start")

    async def serve(self) -> None:
        self.strings.hold("serve")

    async def stop(self) -> None:
        self.strings.hold("stop")


class Lives(RuleBasedStateMachine):
    """Moves a real service and the model below, and compares them after each move."""

    runner: threading.Thread | None = None

    @initialize(kind=st.sampled_from([Puppet, AsyncPuppet]))
    def make(self, kind: type[Puppet | AsyncPuppet]) -> None:
        self.service = kind()
        self.service.strings = self.strings = Strings()
        self.result: Future[int] = Future()
        self.seen = self.service.health()
        self.step = ""
        self.state = ServiceState.NEW
        self.is_asked = False
        self.failed: list[str] = []

    @precondition(lambda self: self.runner is None)
    @rule()
    def begin(self) -> None:
        self.runner = threading.Thread(target=self._run, args=(self.service.run,))
        self.runner.start()
        self.step = "start"
        self.state = ServiceState.STOPPING if self.is_asked else ServiceState.STARTING
        assert self.strings.next_step() == self.step

    @precondition(lambda self: self.runner is not None and self.step != END)
    @rule(order=st.sampled_from(["return", "return", "raise"]))
    def leave_the_step(self, order: Order) -> None:
        self.strings.pull(order)
        if order == "raise":
            self.failed.append(self.step)
        self.step = self._step_after()
        assert self.strings.next_step() == self.step

    @rule()
    def ask_to_stop(self) -> None:
        self.service.request_stop()
        self.is_asked = True
        if self.state in {ServiceState.STARTING, ServiceState.RUNNING}:
            self.state = ServiceState.STOPPING

    @precondition(lambda self: self.runner is not None)
    @rule()
    def run_again(self) -> None:
        with pytest.raises(ValidationError, match="cannot become starting"):
            self.service.run()

    @invariant()
    def health_is_what_the_model_says(self) -> None:
        health = self.service.health()
        assert health.state is self.service.state is self.state
        assert health.since >= self.seen.since
        assert health.state is self.seen.state or is_reachable(self.seen.state, health.state)
        assert self.service.stop_requested is self.is_asked
        self.seen = health

    @invariant()
    def the_end_tells_what_went_wrong_first(self) -> None:
        if self.step != END:
            return
        error = self.result.exception(PATIENCE_S)
        assert [str(one) for one in (error,) if one] == self.failed[:1]
        assert len(getattr(error, "__notes__", ())) == max(0, len(self.failed) - 1)
        assert error or self.result.result() == 0

    def teardown(self) -> None:
        if self.runner is None:
            return
        while self.step != END:
            self.leave_the_step("return")
        self.health_is_what_the_model_says()
        self.the_end_tells_what_went_wrong_first()
        self.runner.join(PATIENCE_S)

    def _run(self, run: Callable[[], int]) -> None:
        try:
            self.result.set_result(run())
        except StepError as error:
            self.result.set_exception(error)
        self.strings.has_ended()

    def _step_after(self) -> str:
        if self.step == "start" and not self.failed and not self.is_asked:
            self.state = ServiceState.RUNNING
            return "serve"
        if self.step in {"start", "serve"}:
            self.state = ServiceState.STOPPING
            return "stop"
        if self.step == "stop":
            return "close second"
        if self.step == "close second":
            return "close first"
        self.state = ServiceState.FAILED if self.failed else ServiceState.STOPPED
        return END


def is_reachable(before: ServiceState, after: ServiceState) -> bool:
    following = SERVICE_TRANSITIONS[before]
    return after in following or any(is_reachable(state, after) for state in following)


Lives.TestCase.settings = settings(stateful_step_count=12)
TestLives = Lives.TestCase

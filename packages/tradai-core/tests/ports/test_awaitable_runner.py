import asyncio
import threading
from typing import Final

import pytest

from tradai.core import (
    AsyncJobRunner,
    AwaitableRunner,
    JobHandle,
    JobInfo,
    JobSpec,
    JobStatus,
)
from tradai.core.exceptions import JobConflictError
from tradai.core.testing import FakeRunner, JobScript

LONG_S: Final = 60.0


def spec(script: JobScript) -> JobSpec:
    return JobSpec(job_id="job-1", command=FakeRunner.command(script))


async def texts(runner: AsyncJobRunner, handle: JobHandle, after: int = 0) -> list[str]:
    return [line.text async for line in runner.logs(handle, after=after)]


def test_a_job_goes_its_way() -> None:
    async def go() -> None:
        runner: AsyncJobRunner = AwaitableRunner(FakeRunner())
        handle = await runner.submit(spec(JobScript(lines=("one", "two"), exit_code=3)))

        assert await texts(runner, handle) == ["one", "two"]
        assert await texts(runner, handle, after=1) == ["two"]
        assert (await runner.wait(handle)).exit_code == 3
        assert (await runner.status(handle)).status is JobStatus.FAILED

    asyncio.run(go())


def test_errors_are_those_of_the_runner() -> None:
    async def go() -> None:
        runner = AwaitableRunner(FakeRunner())
        await runner.submit(spec(JobScript()))

        with pytest.raises(JobConflictError):
            await runner.submit(spec(JobScript(lines=("other",))))

    asyncio.run(go())


def test_no_line_of_a_long_log_is_lost() -> None:
    lines = tuple(f"line {n}" for n in range(2500))

    async def go() -> list[str]:
        runner = AwaitableRunner(FakeRunner())
        return await texts(runner, await runner.submit(spec(JobScript(lines=lines))))

    assert asyncio.run(go()) == list(lines)


def test_lines_are_yielded_while_the_job_runs() -> None:
    async def go() -> list[str]:
        runner = AwaitableRunner(FakeRunner())
        handle = await runner.submit(spec(JobScript(lines=("ready",), waits=True)))
        lines = runner.logs(handle)
        first = await anext(lines)
        await runner.stop(handle, "enough")
        return [first.text, *[line.text async for line in lines]]

    assert asyncio.run(go()) == ["ready"]


def test_a_reader_that_does_not_follow_returns_at_once() -> None:
    async def go() -> list[str]:
        runner = AwaitableRunner(FakeRunner())
        handle = await runner.submit(spec(JobScript(lines=("ready",), waits=True)))
        return [line.text async for line in runner.logs(handle, follow=False)]

    assert asyncio.run(go()) == ["ready"]


def test_a_reader_waits_on_the_runner_and_not_on_the_clock(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class EndingRunner(FakeRunner):
        """Ends the job in the middle of a wait, as it comes."""

        def wait(self, handle: JobHandle, *, timeout_s: float | None = None) -> JobInfo:
            assert timeout_s is not None
            return super().stop(handle, "enough")

    async def go() -> list[str]:
        runner = AwaitableRunner(EndingRunner())
        handle = await runner.submit(spec(JobScript(lines=("one", "two"), waits=True)))
        return await texts(runner, handle)

    def no_sleep(_: float) -> None:
        message = "the reader slept"
        raise AssertionError(message)

    monkeypatch.setattr(asyncio, "sleep", no_sleep)

    assert asyncio.run(go()) == ["one", "two"]


@pytest.mark.parametrize("call", ["wait", "logs"])
def test_a_cancelled_watch_leaves_the_job_alone_and_no_thread_behind(call: str) -> None:
    fake = FakeRunner()

    async def go() -> JobHandle:
        runner = AwaitableRunner(fake)
        handle = await runner.submit(spec(JobScript(waits=True)))
        watch = runner.wait(handle) if call == "wait" else texts(runner, handle)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(watch, 0.05)
        return handle

    # The loop waits for its threads when it closes: a thread that waits for the job hangs here.
    handle = asyncio.run(go())

    assert fake.status(handle).status is JobStatus.RUNNING


def test_a_timeout_ends_the_wait() -> None:
    async def go() -> JobInfo:
        runner = AwaitableRunner(FakeRunner())
        handle = await runner.submit(spec(JobScript(waits=True)))
        return await runner.wait(handle, timeout_s=0.05)

    assert asyncio.run(go()).status is JobStatus.RUNNING


class SlowRunner(FakeRunner):
    """Takes a stop only when it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = threading.Event()
        self.let_go = threading.Event()

    def stop(self, handle: JobHandle, reason: str) -> JobInfo:
        self.begun.set()
        assert self.let_go.wait(LONG_S)
        return super().stop(handle, reason)


def test_a_cancelled_stop_goes_on() -> None:
    fake = SlowRunner()

    async def go() -> JobHandle:
        runner = AwaitableRunner(fake)
        handle = await runner.submit(spec(JobScript(waits=True)))
        stop = asyncio.ensure_future(runner.stop(handle, "enough"))
        await asyncio.to_thread(fake.begun.wait, LONG_S)
        stop.cancel()
        with pytest.raises(asyncio.CancelledError):
            await stop
        fake.let_go.set()
        return handle

    handle = asyncio.run(go())

    assert fake.status(handle).status is JobStatus.CANCELLED

"""Concurrent readers: threads, tasks, forked and spawned processes."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tradai.aws import SecretsManager, SecretsPolicy
from tradai.aws.testing import FakeSecretsClient
from tradai.core.exceptions import NotFoundError, TradAIError

NAME = "trading/binance"
READERS = 32


def _all_at_once(read: Callable[[], str]) -> list[str]:
    barrier = threading.Barrier(READERS)

    def one(_: int) -> str:
        barrier.wait()
        return read()

    with ThreadPoolExecutor(READERS) as pool:
        return list(pool.map(one, range(READERS)))


def test_32_threads_that_find_no_held_secret_make_one_request(
    aws: FakeSecretsClient, secrets: SecretsManager
) -> None:
    aws.keep(NAME, "fake-value")

    with ThreadPoolExecutor(1) as pool, aws.paused():
        readers = pool.submit(_all_at_once, lambda: secrets.get(NAME).reveal())
        aws.await_call()
    values = readers.result()

    assert values == ["fake-value"] * READERS
    assert len(aws.calls) == 1


def test_32_threads_that_find_a_stale_secret_make_one_request_and_do_not_wait_for_it(
    aws: FakeSecretsClient, secrets: SecretsManager, finish_refreshes: Callable[[], None]
) -> None:
    aws.keep(NAME, "fake-value-1")
    secrets.get(NAME)
    aws.keep(NAME, "fake-value-2")
    aws.clock.advance(300)

    with aws.paused():
        # They are served while the call is held back.
        values = _all_at_once(lambda: secrets.get(NAME).reveal())
    finish_refreshes()

    assert values == ["fake-value-1"] * READERS
    assert len(aws.calls) == 2


def test_32_threads_that_wait_for_a_failing_read_each_get_an_error_of_their_own(
    aws: FakeSecretsClient, secrets: SecretsManager
) -> None:
    errors: list[TradAIError] = []

    def read() -> str:
        with pytest.raises(NotFoundError) as caught:
            secrets.get(NAME)
        errors.append(caught.value)
        return ""

    with ThreadPoolExecutor(1) as pool, aws.paused():
        readers = pool.submit(_all_at_once, read)
        aws.await_call()
    readers.result()

    assert len({id(one) for one in errors}) == READERS
    assert len(aws.calls) == 1


@pytest.mark.parametrize("name", [NAME, "trading/missing"])
def test_a_thread_that_comes_late_takes_the_answer_that_others_have_got(
    name: str, eager_barrier: Callable[[int], threading.Barrier]
) -> None:
    for _ in range(100):
        aws = FakeSecretsClient()
        aws.keep(NAME, "fake-value")
        secrets = SecretsManager(client=aws, clock=aws.clock)
        barrier = eager_barrier(8)

        def read(
            _: int, secrets: SecretsManager = secrets, barrier: threading.Barrier = barrier
        ) -> str:
            barrier.wait()
            try:
                return secrets.get(name).reveal()
            except NotFoundError:
                return ""

        with ThreadPoolExecutor(8) as pool:
            values = list(pool.map(read, range(8)))

        assert values == ["fake-value" if name == NAME else ""] * 8
        assert len(aws.calls) == 1


def test_a_slow_secret_does_not_delay_another(
    aws: FakeSecretsClient, secrets: SecretsManager
) -> None:
    aws.keep("quick", "fake-value")
    secrets.get("quick")

    with ThreadPoolExecutor(1) as pool, aws.paused():
        slow = pool.submit(secrets.get, "slow")
        aws.await_call()
        assert secrets.get("quick").reveal() == "fake-value"
    assert isinstance(slow.exception(), NotFoundError)


def test_tasks_share_one_request_and_do_not_block_the_loop(
    aws: FakeSecretsClient, secrets: SecretsManager
) -> None:
    aws.keep(NAME, "fake-value")

    async def main() -> list[str]:
        with aws.paused():
            tasks = [asyncio.create_task(secrets.get_async(NAME)) for _ in range(100)]
            # The call is held back, and the loop still runs.
            await asyncio.to_thread(aws.await_call)
            assert not any(task.done() for task in tasks)
        return [secret.reveal() for secret in await asyncio.gather(*tasks)]

    assert asyncio.run(main()) == ["fake-value"] * 100
    assert len(aws.calls) == 1


def test_a_task_gets_a_fresh_secret_without_yielding_to_the_loop(
    aws: FakeSecretsClient, secrets: SecretsManager
) -> None:
    aws.keep(NAME, "fake-value")
    held = secrets.get(NAME)

    served = secrets.get_async(NAME)

    # A coroutine that never yields to the loop returns at its first step.
    with pytest.raises(StopIteration) as ended:
        served.send(None)
    assert ended.value.value is held


def test_a_task_gets_a_stale_secret_at_once(
    aws: FakeSecretsClient, secrets: SecretsManager, finish_refreshes: Callable[[], None]
) -> None:
    aws.keep(NAME, "fake-value-1")
    secrets.get(NAME)
    aws.keep(NAME, "fake-value-2")
    aws.clock.advance(300)

    with aws.paused():
        served = asyncio.run(secrets.get_async(NAME))
    finish_refreshes()

    assert served.reveal() == "fake-value-1"
    assert asyncio.run(secrets.get_async(NAME)).reveal() == "fake-value-2"


def test_a_cancelled_task_does_not_cancel_the_refresh_of_others(
    aws: FakeSecretsClient, secrets: SecretsManager
) -> None:
    aws.keep(NAME, "fake-value")

    async def main() -> str:
        with aws.paused():
            impatient = asyncio.create_task(secrets.get_async(NAME))
            patient = asyncio.create_task(secrets.get_async(NAME))
            await asyncio.to_thread(aws.await_call)
            impatient.cancel()
            with pytest.raises(asyncio.CancelledError):
                await impatient
        return (await patient).reveal()

    assert asyncio.run(main()) == "fake-value"
    assert len(aws.calls) == 1


@pytest.fixture
def impatient(aws: FakeSecretsClient) -> SecretsManager:
    """A manager with a secret that is no longer usable, and whose readers hardly wait."""
    policy = SecretsPolicy(wait_s=0.01)
    manager = SecretsManager(client=aws, clock=aws.clock, policy=policy)
    aws.keep(NAME, "fake-value-1")
    manager.get(NAME)
    aws.keep(NAME, "fake-value-2")
    aws.clock.advance(900)
    return manager


def test_a_reader_gets_the_held_secret_after_the_longest_wait(
    aws: FakeSecretsClient,
    impatient: SecretsManager,
    finish_refreshes: Callable[[], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    with aws.paused():
        values = [impatient.get(NAME), asyncio.run(impatient.get_async(NAME))]
    finish_refreshes()

    assert [(one.reveal(), one.age_s) for one in values] == [("fake-value-1", 900)] * 2
    assert impatient.get(NAME).reveal() == "fake-value-2"
    assert len(aws.calls) == 2
    # The loop of the task is closed by now, which does not disturb the refresh.
    assert [record.message for record in caplog.records] == ["secret has a new version"]


def test_a_reader_waits_when_no_held_secret_may_be_served(
    aws: FakeSecretsClient, impatient: SecretsManager
) -> None:
    aws.clock.advance(2700)

    with ThreadPoolExecutor(1) as pool:
        with aws.paused():
            reader = pool.submit(impatient.get, NAME)
            aws.await_call()
        assert reader.result().reveal() == "fake-value-2"


FORK = """
import os, threading, warnings
from tradai.aws import AwsSettings, SecretsManager

PARENT = os.getpid()
arrived = threading.Event()

class Client:
    def get_secret_value(self, *, SecretId, VersionStage):
        if os.getpid() == PARENT and SecretId == "waiting":
            arrived.set()
            threading.Event().wait()
        return {"SecretString": f"fake-{SecretId}", "VersionId": "1"}

secrets = SecretsManager(AwsSettings(), client=Client())
secrets.get("held")
threading.Thread(target=secrets.get, args=("waiting",), daemon=True).start()
arrived.wait()
warnings.simplefilter("ignore", DeprecationWarning)  # of forking with threads: just that is tried
secrets._table._lock.acquire()
for slot in secrets._table.slots.values():
    slot._lock.acquire()
child = os.fork()
if not child:
    values = [secrets.get(name).reveal() for name in ("held", "waiting", "new")]
    os._exit(0 if values == ["fake-held", "fake-waiting", "fake-new"] else 1)
_, status = os.waitpid(child, 0)
raise SystemExit(os.waitstatus_to_exitcode(status))
"""


def test_a_forked_child_works_while_its_parent_holds_every_lock_and_waits_for_aws() -> None:
    done = subprocess.run([sys.executable, "-Pc", FORK], timeout=300, check=False)

    assert done.returncode == 0


SPAWN = """
import multiprocessing
from tradai.aws import AwsSettings, SecretsManager

class Client:
    def __init__(self):
        self.calls = 0

    def get_secret_value(self, *, SecretId, VersionStage):
        self.calls += 1
        return {"SecretString": f"fake-{SecretId}", "VersionId": "1"}

def work(secrets, answers):
    held = secrets.states()
    answers.put((len(held), secrets.get("name").reveal(), secrets._custom_client.calls))

if __name__ == "__main__":
    secrets = SecretsManager(AwsSettings(), client=Client())
    secrets.get("name")
    context = multiprocessing.get_context("spawn")
    answers = context.SimpleQueue()
    child = context.Process(target=work, args=(secrets, answers))
    child.start()
    child.join(300)
    raise SystemExit(answers.get() != (0, "fake-name", 2))
"""


def test_a_spawned_child_gets_the_settings_and_no_held_secret(tmp_path: Path) -> None:
    program = tmp_path / "spawn.py"
    program.write_text(SPAWN)

    done = subprocess.run([sys.executable, program], timeout=300, check=False)

    assert done.returncode == 0


def test_a_process_that_can_start_no_thread_reads_in_the_callers_thread(
    aws: FakeSecretsClient, secrets: SecretsManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError(thread.name)

    aws.keep(NAME, "fake-value")
    monkeypatch.setattr(threading.Thread, "start", refuse)

    assert secrets.get(NAME).reveal() == "fake-value"

"""Many threads and processes that want the same thing of one server at once."""

import json
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from servers.mlflow import MLflowServer

from tradai.mlflow import MLflowClient, RunMetric

PROCESSES: Final = 4
THREADS: Final = 8
POINTS: Final = 1_000
START: Final = datetime(2026, 11, 29, tzinfo=UTC)


def _race(server: MLflowServer, name: str) -> list[dict[str, str | int]]:
    """Start all members, let them go at once, and return what each thread got."""
    program = str(Path(__file__).with_name("race_member.py"))
    members = [
        subprocess.Popen(
            [sys.executable, "-W", "error", program, server.url, name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(PROCESSES)
    ]
    assert [member.stdout.readline() for member in members if member.stdout] == [
        "ready\n"
    ] * PROCESSES
    for member in members:
        assert member.stdin
        member.stdin.write("go\n")
        member.stdin.flush()
    answers = [member.communicate(timeout=300)[0] for member in members]
    assert [member.returncode for member in members] == [0] * PROCESSES
    return [got for answer in answers for got in json.loads(answer)]


def test_everyone_gets_the_same_experiment_and_model_and_a_run_and_a_version_of_its_own(
    server: MLflowServer, client: MLflowClient, unique: str
) -> None:
    got = _race(server, unique)

    everyone = PROCESSES * THREADS
    assert len(got) == everyone
    assert {each["experiment"] for each in got} == {client.get_experiment(unique).experiment_id}
    assert {each["model"] for each in got} == {unique}
    experiment = client.get_experiment(unique).experiment_id
    runs = {run.run_id for run in client.search_runs([experiment])}
    assert {each["run"] for each in got} == runs
    assert len(runs) == everyone
    versions = [each.version for each in client.search_model_versions(filter=f"name = '{unique}'")]
    assert sorted(versions) == sorted(each["version"] for each in got) == list(range(1, 33))


def test_the_points_of_all_threads_are_in_the_run(client: MLflowClient, unique: str) -> None:
    run = client.create_run(client.experiment(unique).experiment_id, name=unique)
    together = threading.Barrier(THREADS)

    def log(thread: int) -> None:
        together.wait()
        for step in range(0, POINTS, POINTS // 4):
            client.log_batch(
                run.run_id,
                metrics=[
                    RunMetric(
                        key="equity",
                        value=thread,
                        step=thread * POINTS + step + number,
                        at=START + timedelta(seconds=step + number),
                    )
                    for number in range(POINTS // 4)
                ],
            )

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(log, range(THREADS)))

    steps = [point.step for point in client.metric_history(run.run_id, "equity")]
    assert sorted(steps) == list(range(THREADS * POINTS))


def test_threads_that_write_one_alias_and_tag_are_never_refused(
    client: MLflowClient, unique: str
) -> None:
    run = client.create_run(client.experiment(unique).experiment_id, name=unique)
    client.registered_model(unique)
    client.create_model_version(unique, source=run.artifact_uri, run_id=run.run_id)
    together = threading.Barrier(THREADS)

    def write(thread: int) -> None:
        together.wait()
        client.set_alias(unique, "champion", 1)
        client.set_model_tag(unique, "team", str(thread))
        client.set_model_version_tag(unique, 1, "team", str(thread))
        client.log_batch(run.run_id, params={"pair": "BTC/USDT"}, tags={"team": str(thread)})

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(write, range(THREADS)))

    version = client.model_version_by_alias(unique, "champion")
    found = client.get_run(run.run_id)
    assert found.params == {"pair": "BTC/USDT"}
    teams = {str(thread) for thread in range(THREADS)}
    assert {version.tags["team"], found.tags["team"]} <= teams
    assert client.get_registered_model(unique).tags["team"] in teams


def test_threads_that_continue_one_operation_make_one_run(
    client: MLflowClient, unique: str
) -> None:
    experiment = client.experiment(unique).experiment_id
    first = client.create_run(experiment, name=unique, operation_id=unique)

    with ThreadPoolExecutor(THREADS) as pool:
        again = pool.map(
            lambda _: client.create_run(experiment, name=unique, operation_id=unique),
            range(THREADS),
        )

    assert {run.run_id for run in again} == {first.run_id}

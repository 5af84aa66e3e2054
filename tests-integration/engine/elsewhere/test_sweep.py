"""Sweeps in containers of Docker and as tasks of ECS: each run is made once, its result in S3."""

import json
from pathlib import Path
from typing import Any

import pytest
from engine.elsewhere.conftest import Cloud


def sweep(cloud: Cloud, strategy: Path, data: Path, on: str, *words: object) -> tuple[int, Any]:
    done = cloud.run("sweep", strategy, *cloud.place(data, on), "--limit", 3, "--json", *words)
    assert done.stdout, done.stderr
    return done.code, json.loads(done.stdout)


@pytest.mark.usefixtures("light_image")
@pytest.mark.parametrize("on", ["docker:", "ecs:"])
def test_a_sweep_elsewhere_makes_each_run_once_and_lists_the_one_that_failed(
    on: str, cloud: Cloud, strategy: Path, data: Path
) -> None:
    vary = ("--vary", "execution.stake_amount=100,60,110")

    code, made = sweep(cloud, strategy, data, on, *vary)

    assert (code, [run["exit_code"] for run in made["runs"]]) == (65, [0, 0, 65])
    assert [run["figures"]["profit_percent"] for run in made["runs"][:2]] == [110.0, 100.0]
    for run in made["runs"]:
        assert cloud.manifest(run["run_id"])["verdict"] == run["verdict"]
    # One configuration, the files of the strategy, the candles.
    inputs = [uri for uri in cloud.objects() if "/_inputs/" in uri]
    assert len(inputs) == 2 + len(cloud.manifest(made["runs"][0]["run_id"])["results"]["files"])

    code, again = sweep(cloud, strategy, data, on, "--vary", "execution.stake_amount=110,100,120")

    assert code == 0
    assert [run["is_reused"] for run in again["runs"]] == [False, True, True]
    assert [run["run_id"] for run in again["runs"][1:]] == [
        run["run_id"] for run in made["runs"][:2]
    ]
    jobs = json.loads(cloud.run("jobs", "list", "--on", on, "--json").stdout)
    made_here = {run["run_id"] for run in (*made["runs"], *again["runs"])}
    assert len(made_here) == 4
    assert made_here == {job["job_id"] for job in jobs} & made_here


# The test above shows that a sweep treats both alike.
@pytest.mark.usefixtures("light_image")
@pytest.mark.parametrize("on", [pytest.param("docker:", marks=pytest.mark.deep), "ecs:"])
def test_the_best_variant_elsewhere_runs_on_the_days_after_its_window(
    on: str, cloud: Cloud, strategy: Path, data: Path
) -> None:
    code, made = sweep(
        *(cloud, strategy, data, on, "--vary", "execution.stake_amount=100,110"),
        *("--walk-forward", "10d/5d", "--timerange", "20250105-20250120"),
    )

    assert code == 0
    (window,) = made["windows"]
    assert (window["best_variant"], window["test"]) == (2, "20250115-20250120")
    assert cloud.manifest(window["test_run"])["run_parameters"]["timerange"] == window["test"]

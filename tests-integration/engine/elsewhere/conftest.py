"""Jobs in containers of Docker and as tasks of ECS, with their results in S3.

ministack stands in for S3, ECS and CloudWatch, and a Docker daemon runs its tasks. The image has
the real engine where a test is marked deep, and otherwise a handler that needs none.
"""

import contextlib
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from engine.conftest import VENV, Outcome
from engine.live_desk import TERMS, Desk
from engine.venue.control import Venue
from servers.aws import ACCESS_KEY, REGION, SECRET_KEY, ministack, new_ecs, settings_at
from servers.docker import Dockerd
from servers.strategy_image import COMMAND, ENGINE, NOT_NEEDED, make_strategy_image

from tradai.aws import AwsSettings, S3Store, client_for
from tradai.core import JobLog, LogSummary

if TYPE_CHECKING:
    from docker import DockerClient

KEYS: Final = {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY}
BESIDE: Final = "ministack"
# So low that no entry for ETH is filled.
PRICES: Final = {"ETHUSDT": 3_000}

# It fetches the inputs, prints, and fails as the configuration says, or waits for the stop.
HANDLER: Final = """#!/opt/tradai/bin/python -P
from tradai.core import TradingMode
from tradai.entrypoint import ExitCode, StrategyEntrypoint, Verdict, main

@StrategyEntrypoint.register_handler(TradingMode.BACKTEST)
class Handler:
    def __init__(self, entrypoint):
        self.context = entrypoint.context

    def run(self):
        context = self.context
        candles = context.inputs.folder_of(context.data)
        with open(candles + "/candles.txt") as file:
            print("candles:", file.read(), flush=True)
        files = context.strategy_root.iterdir()
        context.record.results["files"] = sorted(each.name for each in files)
        stake = context.config.execution.stake_amount
        if stake == 75:
            context.interrupts.wait(600)
            ended = Verdict(exit_code=ExitCode.TERMINATED, sentence="ended in order")
            return context.conclude(ended)
        context.record.results["profit_percent"] = float(stake)
        code = ExitCode.DONE if stake >= 100 else ExitCode.DATA
        return context.conclude(Verdict(exit_code=code, sentence=f"the stake is {stake}"))

raise SystemExit(main())
"""


@dataclass(frozen=True, kw_only=True)
class Cloud:
    """Where jobs run, and the command of a machine that submits them there."""

    aws: AwsSettings
    dockerd: Dockerd
    store: str
    variables: dict[str, str]
    folder: Path

    def command(self, *words: object) -> "subprocess.Popen[str]":
        """Start the command on a machine without an engine."""
        return subprocess.Popen(
            [sys.executable, "-m", "tradai.entrypoint", *map(str, words)],
            env=self.variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.folder,
        )

    def run(self, *words: object) -> Outcome:
        """Run the command to its end."""
        with self.command(*words) as process:
            stdout, stderr = process.communicate(timeout=600)
        return Outcome(code=process.returncode, stdout=stdout, stderr=stderr, runs=self.folder)

    def submit(self, config: Path, data: Path, on: str, *words: object) -> Outcome:
        """Submit a backtest."""
        return self.run(*self.words(config, data, on), *words)

    def words(self, config: Path, data: Path, on: str) -> list[object]:
        """Return the command line of a backtest."""
        return ["submit", config, "--mode", "backtest", *self.place(data, on)]

    def place(self, data: Path, on: str) -> list[object]:
        """Return the flags of a job; a task of ECS has a role and its region, a container not."""
        words: list[object] = ["--data", data, "--on", on]
        if on == "docker:":
            for name in ("AWS_REGION", "AWS_ENDPOINT_URL"):
                words += ["--env", f"{name}={self.variables[name]}"]
            for name in KEYS:
                words += ["--secret", f"{name}=env:{name}"]
        return words

    def objects(self) -> dict[str, str | None]:
        """Return the tag of each object in the run store."""
        return {info.uri: info.etag for info in S3Store(self.aws).list(self.store)}

    def manifest(self, job_id: str) -> dict[str, Any]:
        """Return the manifest of a run in the store."""
        data = S3Store(self.aws).read(f"{self.store}{job_id}/manifest.json").data
        manifest: dict[str, Any] = json.loads(data)
        return manifest

    def log(self, on: str, job_id: str) -> LogSummary:
        """Return the proof that every line of the only job of a runner is in its log."""
        log = JobLog()
        for text in self._texts(on, job_id):
            log.add(text)
        return log.summary()

    def _texts(self, on: str, job_id: str) -> list[str]:
        if on == "docker:":
            with contextlib.closing(self.dockerd.client()) as client:
                container = client.containers.get(f"tradai-job-{job_id}")
                text: str = container.logs(stderr=False).decode()
                return text.splitlines()
        client, group = client_for("logs", self.aws), self.variables["ECS_LOG_GROUP"]
        (stream,) = client.describe_log_streams(logGroupName=group)["logStreams"]
        events = client.get_log_events(
            logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True
        )["events"]
        return [event["message"] for event in events]


@pytest.fixture(scope="session")
def address(
    python_image: str, dockerd: Dockerd, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Address of a ministack whose tasks are in the network of this machine."""
    with contextlib.closing(dockerd.client()) as client:
        client.containers.create(python_image, network_mode="host", name=BESIDE)
    folder = tmp_path_factory.mktemp("ministack")
    standin = ministack(folder, docker_host=dockerd.url, beside=BESIDE)
    with standin.server.running():
        yield standin.url


def make_image(dockerd: Dockerd, name: str, left_out: frozenset[str], command: str) -> str:
    """Make an image with the credentials that its role would give to a task."""
    variables = KEYS | {"AWS_REGION": REGION}
    with contextlib.closing(dockerd.client()) as client:
        return make_strategy_image(
            client, name, VENV, variables=variables, left_out=left_out, command=command
        )


@pytest.fixture(scope="session")
def light_image(engine_bin: Path, dockerd: Dockerd) -> str:
    assert engine_bin.exists()
    return make_image(dockerd, "local/strategy:light", NOT_NEEDED | ENGINE, HANDLER)


@pytest.fixture(scope="session")
def engine_image(engine_bin: Path, dockerd: Dockerd) -> str:
    assert engine_bin.exists()
    return make_image(dockerd, "local/strategy:engine", NOT_NEEDED, COMMAND)


@pytest.fixture
def cloud(
    address: str,
    dockerd: Dockerd,
    environ: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Cloud:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    aws = settings_at(address)
    ecs = new_ecs(aws)
    store = f"s3://{ecs['ECS_CLUSTER']}/runs/"
    variables = KEYS | {
        "AWS_ENDPOINT_URL": address,
        "AWS_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "DOCKER_HOST": dockerd.url,
        "TRADAI_DOCKER_NETWORK": "host",
        "TRADAI_JOB_IMAGE": "local/strategy:light",
        "TRADAI_RUN_STORE": store,
        **ecs,
    }
    return Cloud(
        aws=aws,
        dockerd=dockerd,
        store=store,
        variables={**environ, **variables},
        folder=tmp_path,
    )


@pytest.fixture
def job_id() -> str:
    """Id of a job that the daemon has not had yet."""
    return f"job-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "candles"
    folder.mkdir()
    (folder / "candles.txt").write_text("from the laptop")
    return folder


@pytest.fixture
def docker(dockerd: Dockerd) -> "Iterator[DockerClient]":
    """A client of the daemon."""
    with contextlib.closing(dockerd.client()) as client:
        yield client


@pytest.fixture(scope="session")
def live_image(engine_bin: Path, dockerd: Dockerd) -> str:
    """An image whose containers are given the engine of this machine."""
    assert engine_bin.exists()
    with contextlib.closing(dockerd.client()) as client:
        return make_strategy_image(client, "local/strategy:mounted", None, variables={})


@pytest.fixture
def unapproved(tmp_path: Path, venue: Venue, environ: dict[str, str], engine_bin: Path) -> Desk:
    """A desk at which nothing is approved yet."""
    return Desk(tmp_path, venue, environ, engine_bin / "tradai-entrypoint")


@pytest.fixture
def approve(venue: Venue) -> Callable[[Desk], None]:
    """Approve the plan of a desk, with a policy that cancels all entries at a stop."""

    def approve(desk: Desk) -> None:
        venue.set(prices=PRICES)
        desk.approve(*("cancel-all" if word == "keep" else word for word in TERMS))
        venue.reset()
        venue.set(prices=PRICES)

    return approve

"""The image of a strategy, from the locked packages to a backtest in a container."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest
from servers.docker import Dockerd
from servers.process import missing

from tradai.aws import DockerRunner, DockerSettings
from tradai.core import JobSpec, JobStatus

ROOT: Final = Path(__file__).resolve().parents[2]
ENGINE: Final = ROOT / ".venv-freqtrade"
EXAMPLE: Final = ROOT / "docs" / "examples" / "quickstart"
PROGRAM: Final = "tradai-entrypoint"


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The installed tree, made as the how-to page says, from what uv has in its cache."""
    if not ENGINE.exists():
        missing("freqtrade", f"no engine environment at {ENGINE}: run scripts/quickstart once")
    tmp_path = tmp_path_factory.mktemp("strategy")
    environment = {**os.environ, "UV_PROJECT_ENVIRONMENT": str(tmp_path / "environment")}
    command = [
        *(os.environ.get("UV", "uv"), "sync", "--quiet", "--frozen", "--offline", "--no-dev"),
        *("--no-editable", "--package", "tradai-common", "--extra", "aws"),
        *("--extra", "freqtrade", "--python", sys.executable),
    ]
    subprocess.run(command, env=environment, cwd=ROOT, check=True)
    folder = tmp_path / "context"
    folder.mkdir()
    (packages,) = (tmp_path / "environment" / "lib").glob("python*/site-packages")
    shutil.move(packages, folder / "packages")
    (folder / ".dockerignore").write_text("**/direct_url.json\n**/__pycache__\n")
    return folder


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The synthetic candles of the quickstart."""
    command: list[str | Path] = [
        ENGINE / "bin" / "python",
        EXAMPLE / "candles.py",
        "--out",
        tmp_path / "data",
    ]
    subprocess.run(command, check=True)
    return tmp_path / "data"


def built(context: Path, base: str, dockerd: Dockerd) -> dict[str, Any]:
    command = [sys.executable, "-m", "tradai.entrypoint", "image", "build", str(context)]
    options = ["--base", base, "--network", "none", "--json"]
    environment = {**os.environ, "DOCKER_HOST": dockerd.url}
    done = subprocess.run(
        [*command, *options], env=environment, capture_output=True, text=True, check=True
    )
    facts: dict[str, Any] = json.loads(done.stdout)
    return facts


def manifest(folder: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    return read


@pytest.mark.deep
def test_the_quickstart_in_a_container_trades_as_on_this_machine(
    context: Path, data: Path, pinned_base: str, empty_dockerd: Dockerd, tmp_path: Path
) -> None:
    image = built(context, pinned_base, empty_dockerd)
    assert not built(context, pinned_base, empty_dockerd)["was_built"]
    run = ["run", "strategy.yaml", "--mode", "backtest", "--data"]
    here = {**os.environ, "TRADAI_RUN_FOLDER": str(tmp_path / "here")}
    subprocess.run(
        [ENGINE / "bin" / PROGRAM, *run, data, "--run-id", "run-1"],
        cwd=EXAMPLE,
        env=here,
        check=True,
    )
    (tmp_path / "there").mkdir()
    (tmp_path / "there").chmod(0o777)
    mounts = (f"{data}:/data:ro", f"{EXAMPLE}:/strategy:ro", f"{tmp_path}/there:/runs")
    runner = DockerRunner(DockerSettings(host=empty_dockerd.url, network="none", mounts=mounts))
    run[1] = "/strategy/strategy.yaml"

    handle = runner.submit(
        JobSpec(
            job_id="run-1",
            command=(PROGRAM, *run, "/data", "--run-id", "run-1"),
            image=image["reference"],
            environment={"TRADAI_RUN_FOLDER": "/runs"},
            time_limit_s=3600,
        )
    )

    lines = [line.text for line in runner.logs(handle)]
    assert runner.wait(handle).status is JobStatus.COMPLETED
    assert "297 trades" in lines[-1]
    here_digests, there_digests = (
        manifest(tmp_path / place / "run-1")["digests"] for place in ("here", "there")
    )
    assert here_digests == there_digests
    assert here_digests["trades"].startswith("1a7ce1ba5dd7")


@pytest.mark.deep
def test_the_image_runs_as_another_user_on_a_read_only_root(
    context: Path, pinned_base: str, empty_dockerd: Dockerd
) -> None:
    image = built(context, pinned_base, empty_dockerd)["reference"]
    program = (
        "id -u; touch /opt/tradai/new; touch /work/new /tmp/new && tradai-entrypoint --version"
    )

    with contextlib.closing(empty_dockerd.client()) as client:
        facts = client.images.get(image).attrs["Config"]
        output = client.containers.run(
            image, ["-c", program], entrypoint=["sh"], read_only=True, remove=True, stderr=True
        )

    lines = output.decode().splitlines()
    assert lines[0] == "10001"
    assert "Read-only" in lines[1]
    assert lines[2].startswith("tradai-entrypoint 0.")
    assert facts["Entrypoint"] == ["tradai-entrypoint", "contain", "--"]

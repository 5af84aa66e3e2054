"""Folders and environments that the examples of the documentation run in."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from pages.page import RUNNABLE, Page
from servers.aws import ACCESS_KEY, REGION, SECRET_KEY, STANDINS, settings_at
from servers.mlflow import MLflowServer, Release

from tradai.aws import S3Store, client_for

ROOT: Final = Path(__file__).resolve().parents[2]
ENGINE: Final = Path(os.environ.get("TRADAI_ENGINE_VENV", ROOT / ".venv-freqtrade"))
RUNNER: Final = Path(__file__).with_name("run_page.py")
SLOWEST_PAGE_S: Final = 600
# Variables of the machine or the developer, on which an example must not depend.
DROPPED: Final = ("AWS_", "MLFLOW_", "PYTHON", "TRADAI_", "VIRTUAL_ENV")
# Objects that the page on S3 reads.
LAKE: Final = {
    "ohlcv.parquet": b"PAR1",
    "state.json": b'{"next": 1}',
    "limits.yaml": b"pairs: [BTC/USDT]\nstake: 50\n",
    "trend.yaml": b"name: trend\nversion: 1.0.0\ntimeframe: 15m\npairs: [BTC/USDT]\n",
}


@dataclass(kw_only=True)
class Reader:
    """A reader at a terminal: a folder, the commands on the path, and variables."""

    folder: Path
    bin: Path
    environ: Mapping[str, str]

    def follow(self, page: Page) -> "subprocess.CompletedProcess[str]":
        """Run the examples of `page` one after the other, up to the first that fails."""
        examples = [
            {
                "page": os.path.relpath(page.path, ROOT),
                "line": block.line,
                "language": block.language,
                "text": block.text,
                "file": block.file,
                "is_run": block.language in RUNNABLE and block.reason is None,
                "is_fresh": is_fresh,
            }
            for block, is_fresh in _with_namespaces(page)
            if block.language in RUNNABLE or block.file
        ]
        runner = subprocess.Popen(
            [self.bin / "python", "-P", RUNNER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.folder,
            env=self.environ,
            start_new_session=True,
        )
        try:
            stdout, stderr = runner.communicate(json.dumps(examples), timeout=SLOWEST_PAGE_S)
        finally:
            # With all that a page that failed has left in the background.
            with suppress(ProcessLookupError):
                os.killpg(runner.pid, signal.SIGKILL)
            runner.wait()
        return subprocess.CompletedProcess(runner.args, runner.returncode, stdout, stderr)


def _with_namespaces(page: Page) -> list[tuple[Any, bool]]:
    """Return each block, and whether it starts with an empty namespace.

    Each entry of the API reference does; on other pages only the first block does.
    """
    is_reference = page.path.parent.name == "api"
    sections = [block.section if is_reference else 0 for block in page.blocks]
    return [
        (block, index == 0 or sections[index] != sections[index - 1])
        for index, block in enumerate(page.blocks)
    ]


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    """A reader in an empty folder, with the workspace's environment."""
    return _reader(tmp_path, Path(sys.prefix) / "bin")


def _reader(folder: Path, bin_folder: Path) -> Reader:
    kept = {name: text for name, text in os.environ.items() if not name.startswith(DROPPED)}
    path = f"{bin_folder}{os.pathsep}{os.environ['PATH']}"
    return Reader(
        folder=folder,
        bin=bin_folder,
        environ=kept | {"PATH": path, "HOME": str(folder), "AWS_EC2_METADATA_DISABLED": "true"},
    )


@pytest.fixture
def component(request: pytest.FixtureRequest, reader: Reader) -> Callable[[str], None]:
    """Install a component for the reader by its name; skip, or fail, where it is missing."""

    def give(name: str) -> None:
        request.getfixturevalue(f"_{name}")(reader)

    return give


@pytest.fixture(scope="session")
def _example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the inputs of scripts/quickstart, and copies under the names of the pages."""
    if not (ENGINE / "bin" / "tradai-entrypoint").exists():
        reason = f"no engine environment at {ENGINE}: run scripts/quickstart once"
        if "freqtrade" in os.environ.get("TRADAI_REQUIRE", "").split(","):
            pytest.fail(reason)
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("example")
    example = ROOT / "docs" / "examples" / "quickstart"
    shutil.copytree(example / "strategies", folder / "strategies")
    shutil.copy(example / "strategy.yaml", folder)
    command = [ENGINE / "bin" / "python", example / "candles.py", "--out", folder / "candles"]
    subprocess.run(list(map(str, command)), check=True, capture_output=True, timeout=SLOWEST_PAGE_S)
    shutil.copytree(folder / "candles", folder / ".tradai" / "quickstart")
    return folder


@pytest.fixture
def _engine(_example: Path) -> Callable[[Reader], None]:
    """The engine, as in a checkout after the quickstart, with a strategy and candles."""

    def give(reader: Reader) -> None:
        engine = _reader(reader.folder, ENGINE / "bin")
        reader.bin, reader.environ = engine.bin, engine.environ
        for name in ("docs", "tests-integration"):
            (reader.folder / name).symlink_to(ROOT / name)
        (reader.folder / ".venv-freqtrade").symlink_to(ENGINE)
        shutil.copytree(_example, reader.folder, dirs_exist_ok=True)

    return give


@pytest.fixture
def _mlflow(mlflow_servers: Mapping[Release, MLflowServer]) -> Callable[[Reader], None]:
    """A tracking server."""

    def give(reader: Reader) -> None:
        reader.environ = {**reader.environ, "MLFLOW_TRACKING_URI": mlflow_servers["3.17"].url}

    return give


@pytest.fixture(scope="session")
def _s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    standin = STANDINS["localstack"](tmp_path_factory.mktemp("s3"))
    with standin.server.running():
        yield standin.url


@pytest.fixture
def _s3(_s3_server: str, monkeypatch: pytest.MonkeyPatch) -> Callable[[Reader], None]:
    """A stand-in for S3 with a versioned bucket `lake`, filled for the page on S3."""

    def give(reader: Reader) -> None:
        credentials = {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY}
        for name, text in credentials.items():
            monkeypatch.setenv(name, text)
        settings = settings_at(_s3_server)
        client = client_for("s3", settings)
        with suppress(client.exceptions.BucketAlreadyOwnedByYou):
            client.create_bucket(
                Bucket="lake", CreateBucketConfiguration={"LocationConstraint": REGION}
            )
        client.put_bucket_versioning(Bucket="lake", VersioningConfiguration={"Status": "Enabled"})
        store = S3Store(settings)
        for key, body in LAKE.items():
            store.write(f"s3://lake/{key}", body)
        (reader.folder / "model.zip").write_bytes(b"model")
        reader.environ = {**reader.environ, **credentials, "AWS_ENDPOINT_URL": _s3_server}

    return give

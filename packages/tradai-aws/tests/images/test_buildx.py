"""Buildx, played by a script in place of Docker's program: this machine has none."""

import os
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from tradai.aws._images.buildx import Buildx
from tradai.aws.ecr import ImageSource
from tradai.core.exceptions import ExternalServiceError

# Private on purpose: the door would need a daemon beside the program.

PLAYED: Final = f"""#!{sys.executable}
import json, os, sys
if sys.argv[1:] == ["buildx", "version"]:
    sys.exit(int(os.environ["PLAYED_VERSION"]))
facts = [sys.argv[1:], os.environ["DOCKER_HOST"], os.listdir(os.environ["DOCKER_CONFIG"])]
facts.append(len(sys.stdin.buffer.read()) > 0)
open(os.environ["PLAYED_FACTS"], "w").write(json.dumps(facts))
print("step 1", flush=True)
print("ERROR: failed to solve", file=sys.stderr)
sys.exit(int(os.environ["PLAYED_CODE"]))
"""


@pytest.fixture
def played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "docker").write_text(PLAYED)
    (folder / "docker").chmod(0o755)
    for name, value in {
        "PATH": folder,
        "PLAYED_FACTS": tmp_path / "facts",
        "PLAYED_CODE": 0,
    }.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.setenv("PLAYED_VERSION", "0")
    return tmp_path / "facts"


def build(tmp_path: Path) -> list[str]:
    dockerfile = tmp_path / "Dockerfile"
    dockerfile.write_text("ARG BASE\nFROM $BASE\n")
    context = tmp_path / "context"
    context.mkdir()
    source = ImageSource(
        context=context, base=f"b@sha256:{'1' * 64}", dockerfile=dockerfile, arguments={"A": "1"}
    )
    shown: list[str] = []
    buildx = Buildx.find("unix:///srv/d.sock")
    assert buildx is not None
    with (tmp_path / "packed").open("w+b") as archive:
        source.pack(archive)
        archive.seek(0)
        buildx.build(source, "name:1", archive, network="none", show=shown.append)
    return shown


def test_it_builds_and_loads_without_the_configuration_of_the_user(
    tmp_path: Path, played: Path
) -> None:
    import json

    shown = build(tmp_path)

    facts: Any = json.loads(played.read_text())
    arguments, host, configuration, has_input = facts
    assert arguments[:3] == ["buildx", "build", "--load"]
    assert {"--tag=name:1", "--network=none", "--build-arg=A=1", "-"} <= set(arguments)
    assert "--push" not in arguments
    assert (host, configuration, has_input) == ("unix:///srv/d.sock", [], True)
    assert shown == ["step 1", "ERROR: failed to solve"]


@pytest.mark.usefixtures("played")
def test_a_step_that_fails_is_raised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAYED_CODE", "1")

    with pytest.raises(ExternalServiceError, match="failed to solve"):
        build(tmp_path)


@pytest.mark.usefixtures("played")
def test_a_program_without_the_plugin_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAYED_VERSION", "1")

    assert Buildx.find("unix:///srv/d.sock") is None


def test_without_the_program_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.devnull)

    assert Buildx.find("unix:///srv/d.sock") is None

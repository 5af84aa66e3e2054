"""Images are built by a real daemon and pushed to real registries."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
from servers.aws import ACCESS_KEY, SECRET_KEY, ministack, settings_at
from servers.docker import Dockerd, running_registry

from tradai.aws import AwsSettings, DockerRunner, DockerSettings, client_for
from tradai.aws.ecr import (
    Daemon,
    EcrRepository,
    EcrSettings,
    ImageBuilder,
    ImageSource,
)
from tradai.aws.testing import FakeEcr
from tradai.core import JobPlatform, JobSpec
from tradai.core.exceptions import ConflictError, ExternalServiceError, NotFoundError

# Hash of the second token of FakeEcr: the first one is refused.
PASSWORDS: Final = "AWS:$2b$04$8jSR5lwnS9am4DI/WCU2fOoiP20CnJ.8nG/qKjQQbADaoQ0KhALOC\n"


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AwsSettings]:
    standin = ministack(tmp_path_factory.mktemp("ministack"))
    with standin.server.running():
        yield settings_at(standin.url)


@pytest.fixture
def host(aws: AwsSettings) -> str:
    """Host and port of the registry."""
    return str(aws.endpoint_url).removeprefix("http://")


@pytest.fixture
def ecr(aws: AwsSettings, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    return client_for("ecr", aws)


@pytest.fixture
def source(tmp_path: Path, pinned_base: str) -> ImageSource:
    context = tmp_path / "context"
    context.mkdir()
    (context / "program.py").write_text(f"print('built in {tmp_path.name}')\n")
    dockerfile = tmp_path / "Dockerfile"
    dockerfile.write_text("ARG BASE\nFROM $BASE\nCOPY program.py /\nRUN python3 /program.py\n")
    return ImageSource(context=context, base=pinned_base, dockerfile=dockerfile)


def repository(name: str, ecr: Any, host: str, dockerd: Dockerd) -> EcrRepository:
    return EcrRepository(
        name,
        client=ecr,
        daemon=DockerSettings(host=dockerd.url),
        settings=EcrSettings(registry=host),
        network="none",
    )


@pytest.fixture
def strategies(ecr: Any, host: str, dockerd: Dockerd, tmp_path: Path) -> EcrRepository:
    name = f"strategies/{tmp_path.name.lower()}".rstrip("_-.")
    ecr.create_repository(repositoryName=name, imageTagMutability="IMMUTABLE")
    return repository(name, ecr, host, dockerd)


def test_an_image_is_built_and_pushed_once(strategies: EcrRepository, source: ImageSource) -> None:
    shown: list[str] = []

    images = [strategies.publish(source, show=shown.append) for _ in range(2)]

    assert [(image.was_built, image.was_pushed) for image in images] == [
        (True, True),
        (False, False),
    ]
    assert images[0].reference == images[1].reference
    assert strategies.find(images[0].tag) == images[0].digest
    assert f"built in {source.context.parent.name}" in shown


def test_a_published_image_runs_as_a_job(
    strategies: EcrRepository, source: ImageSource, runner: DockerRunner, empty_dockerd: Dockerd
) -> None:
    image = strategies.publish(source)
    with contextlib.closing(empty_dockerd.client()) as client:
        client.images.remove(f"{image.reference.partition('@')[0]}:{image.tag}")
    spec = JobSpec(
        job_id="job-1",
        command=("python3", "/program.py"),
        image=image.reference,
        platform=image.platform,
    )

    lines = [line.text for line in runner.logs(runner.submit(spec))]

    assert lines == [f"built in {source.context.parent.name}"]


def test_a_change_of_one_file_gives_another_image(
    strategies: EcrRepository, source: ImageSource
) -> None:
    first = strategies.publish(source)
    (source.context / "program.py").write_text("print('changed')\n")

    second = strategies.publish(source)

    assert (second.was_built, second.was_pushed) == (True, True)
    assert second.tag != first.tag
    assert second.digest != first.digest


class LateEcr:
    """A client of ECR whose first look finds nothing, as when another process pushes meanwhile."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._is_first = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def describe_images(self, **parameters: Any) -> Any:
        if self._is_first:
            self._is_first = False
            return {"imageDetails": []}
        return self._client.describe_images(**parameters)


def test_an_immutable_tag_with_the_same_image_is_a_success(
    strategies: EcrRepository,
    ecr: Any,
    host: str,
    dockerd: Dockerd,
    source: ImageSource,
) -> None:
    first = strategies.publish(source)

    again = repository(strategies.name, LateEcr(ecr), host, dockerd).publish(source)

    assert again.digest == first.digest


def test_an_immutable_tag_with_another_image_is_a_conflict(
    strategies: EcrRepository,
    ecr: Any,
    host: str,
    dockerd: Dockerd,
    source: ImageSource,
    python_image: str,
) -> None:
    with contextlib.closing(dockerd.client()) as client:
        client.images.get(python_image).tag(f"{host}/{strategies.name}", source.tag())
        client.images.push(f"{host}/{strategies.name}", source.tag(), auth_config={})
        client.images.remove(f"{host}/{strategies.name}:{source.tag()}")

    with pytest.raises(ConflictError, match="belongs to another image"):
        repository(strategies.name, LateEcr(ecr), host, dockerd).publish(source)


def test_a_login_that_was_refused_is_renewed_and_the_push_is_checked(
    dockerd: Dockerd, source: ImageSource, tmp_path: Path
) -> None:
    fake = FakeEcr()
    fake.create_repository("strategies")
    passwords = tmp_path / "passwords"
    passwords.write_text(PASSWORDS)
    (tmp_path / "registry").mkdir()

    # The registry here and the fake of ECR know nothing of each other.
    with (
        running_registry(tmp_path / "registry", passwords=passwords) as host,
        pytest.raises(ConflictError, match="no image"),
    ):
        repository("strategies", fake.client, host, dockerd).publish(source)

    assert fake.calls == [
        "DescribeImages",
        "GetAuthorizationToken",
        "GetAuthorizationToken",
        "DescribeImages",
    ]


def test_the_login_file_of_the_user_is_neither_used_nor_written(
    ecr: Any,
    host: str,
    dockerd: Dockerd,
    source: ImageSource,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ecr.create_repository(repositoryName="with-login-file")
    tmp_path = source.dockerfile.parent
    helper = tmp_path / "bin" / "docker-credential-planted"
    helper.parent.mkdir()
    helper.write_text(f"#!/bin/sh\ntouch {tmp_path}/asked\nexit 1\n")
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{helper.parent}{os.pathsep}{os.environ['PATH']}")
    folder = tmp_path / "docker"
    folder.mkdir()
    text = json.dumps({"credHelpers": {host: "planted"}})
    (folder / "config.json").write_text(text)
    monkeypatch.setenv("DOCKER_CONFIG", str(folder))

    image = repository("with-login-file", ecr, host, dockerd).publish(source)

    assert image.was_pushed
    assert [path.name for path in folder.iterdir()] == ["config.json"]
    assert (folder / "config.json").read_text() == text
    assert not (tmp_path / "asked").exists()


def builder(dockerd: Dockerd) -> ImageBuilder:
    return ImageBuilder(Daemon(dockerd.url), network="none")


def test_an_image_that_the_daemon_has_is_not_built_again(
    dockerd: Dockerd, source: ImageSource
) -> None:
    tag, was_built = builder(dockerd).build(source, "tests/local")

    assert was_built
    assert builder(dockerd).build(source, "tests/local") == (tag, False)


def test_a_step_that_fails_is_named_with_its_reason(dockerd: Dockerd, source: ImageSource) -> None:
    (source.context / "program.py").write_text("raise SystemExit(3)\n")
    shown: list[str] = []

    with pytest.raises(ExternalServiceError, match="non-zero code: 3"):
        builder(dockerd).build(source, "tests/local", show=shown.append)

    assert any("RUN python3 /program.py" in line for line in shown)


def test_a_dockerfile_with_a_mistake_is_named(dockerd: Dockerd, source: ImageSource) -> None:
    source.dockerfile.write_text("ARG BASE\nFROM $BASE\nNONSENSE\n")

    with pytest.raises(ExternalServiceError, match="refused to build"):
        builder(dockerd).build(source, "tests/local")


def test_an_image_of_another_platform_than_asked_is_refused(
    dockerd: Dockerd, source: ImageSource
) -> None:
    other = replace(source, platform=JobPlatform.LINUX_ARM64)

    with pytest.raises(ExternalServiceError, match="linux/arm64"):
        builder(dockerd).build(other, "tests/local")

    assert not builder(dockerd).has_image(f"tests/local:{other.tag()}")


def test_a_base_image_that_does_not_exist_is_not_found(
    dockerd: Dockerd, source: ImageSource, registry: str
) -> None:
    absent = replace(source, base=f"{registry}/no/such@sha256:{'1' * 64}")

    with pytest.raises(NotFoundError, match="no/such"):
        builder(dockerd).build(absent, "tests/local")


def test_the_command_builds_with_a_dockerfile_of_ones_own(
    dockerd: Dockerd, source: ImageSource
) -> None:
    command = [
        *(sys.executable, "-m", "tradai.entrypoint", "image", "build", str(source.context)),
        *("--base", source.base, "--file", str(source.dockerfile), "--network", "none"),
        *("--name", "tests/command", "--json"),
    ]
    environment = {**os.environ, "DOCKER_HOST": dockerd.url}

    runs = [
        subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        for _ in range(2)
    ]

    facts = [json.loads(run.stdout) for run in runs]
    assert [fact.pop("was_built") for fact in facts] == [True, False]
    assert facts[0] == facts[1]
    assert builder(dockerd).has_image(facts[0]["reference"])
    assert "Step 1/4" in runs[0].stderr

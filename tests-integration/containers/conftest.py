"""Fixtures of jobs in containers."""

import contextlib
from collections.abc import Iterator

import pytest
from servers.docker import Dockerd

from tradai.aws import DockerRunner, DockerSettings


@pytest.fixture
def empty_dockerd(dockerd: Dockerd) -> Iterator[Dockerd]:
    """The daemon, without containers."""
    yield dockerd
    with contextlib.closing(dockerd.client()) as client:
        for container in client.containers.list(all=True, ignore_removed=True):
            container.remove(force=True, v=True)


@pytest.fixture
def runner(empty_dockerd: Dockerd) -> DockerRunner:
    """A runner without jobs."""
    return DockerRunner(DockerSettings(host=empty_dockerd.url))


@pytest.fixture(scope="session")
def pinned_base(dockerd: Dockerd, python_image: str, registry: str) -> str:
    """The base image, pinned by the digest that a registry gave it."""
    with contextlib.closing(dockerd.client()) as client:
        client.images.get(python_image).tag(f"{registry}/base/python", "1")
        client.images.push(f"{registry}/base/python", "1")
        names: list[str] = client.images.get(python_image).attrs["RepoDigests"]
    return next(name for name in names if name.startswith(registry))

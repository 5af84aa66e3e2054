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
            container.remove(force=True)


@pytest.fixture
def runner(empty_dockerd: Dockerd) -> DockerRunner:
    """A runner without jobs."""
    return DockerRunner(DockerSettings(host=empty_dockerd.url))

"""A repository of ECR whose image needs no daemon, because it is there already."""

from pathlib import Path
from typing import Final

import pytest

from tradai.aws import DockerSettings
from tradai.aws.ecr import EcrRepository, EcrSettings, ImageSource
from tradai.aws.testing import FakeEcr
from tradai.core.exceptions import NotFoundError

BASE: Final = f"python@sha256:{'1' * 64}"


@pytest.fixture
def ecr() -> FakeEcr:
    ecr = FakeEcr()
    ecr.create_repository("strategies", is_immutable=True)
    return ecr


@pytest.fixture
def source(tmp_path: Path) -> ImageSource:
    dockerfile = tmp_path / "Dockerfile"
    dockerfile.write_text("ARG BASE\nFROM $BASE\n")
    return ImageSource(context=tmp_path, base=BASE, dockerfile=dockerfile)


def repository(ecr: FakeEcr, **settings: str) -> EcrRepository:
    return EcrRepository(
        "strategies",
        client=ecr.client,
        daemon=DockerSettings(host="unix:///nowhere.sock"),
        settings=EcrSettings(**settings),
    )


def test_an_unchanged_image_costs_two_calls_and_no_daemon(
    ecr: FakeEcr, source: ImageSource
) -> None:
    digest = ecr.keep("strategies", source.tag(), manifest="{}")

    image = repository(ecr).publish(source)

    assert image.reference == f"{ecr.host}/strategies@{digest}"
    assert (image.was_built, image.was_pushed, image.digest) == (False, False, digest)
    assert len(ecr.calls) <= 2


def test_the_host_of_a_registry_can_be_set(ecr: FakeEcr, source: ImageSource) -> None:
    digest = ecr.keep("strategies", source.tag(), manifest="{}")

    image = repository(ecr, registry="127.0.0.1:5000").publish(source)

    assert image.reference == f"127.0.0.1:5000/strategies@{digest}"
    assert ecr.calls == ["DescribeImages"]


def test_a_repository_that_does_not_exist_is_named(source: ImageSource) -> None:
    with pytest.raises(NotFoundError, match="strategies"):
        repository(FakeEcr()).publish(source)


def test_an_immutable_tag_of_the_fake_stays(ecr: FakeEcr) -> None:
    ecr.keep("strategies", "1", manifest="{}")

    with pytest.raises(ValueError, match="cannot be overwritten"):
        ecr.keep("strategies", "1", manifest="[]")

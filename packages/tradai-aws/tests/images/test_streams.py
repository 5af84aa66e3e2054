"""Recorded streams of the daemon: each error in one is raised.

Most were recorded with dockerd 20.10 and docker-registry; those named after ECR have the words that
AWS documents, and the others the shapes that users of Docker's client reported.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Self

import pytest

from tradai.aws._images.builder import ImageBuilder
from tradai.aws._images.daemon import Daemon
from tradai.aws._images.source import ImageSource
from tradai.aws._images.stream import read_stream
from tradai.aws._images.transfers import push_image
from tradai.core.exceptions import ExternalServiceError

# Private on purpose: no server here can be made to send all of these.

STREAMS: Final = {path.stem: path for path in Path(__file__).with_name("streams").iterdir()}
FAILURES: Final = {
    "build-base-unreachable": "connection refused",
    "build-command-fails": "returned a non-zero code: 1",
    "build-cut-off": "ended without an image",
    "build-disk-full": "no space left on device",
    "build-file-missing": "file not found in build context",
    "build-no-such-program": "executable file not found",
    "push-cut-off": "ended without a digest",
    "push-denied": "is not authorized to perform: ecr:InitiateLayerUpload",
    "push-detail-only": "authentication required",
    "push-ecr-immutable": "the repository is immutable",
    "push-ecr-no-repository": "does not exist in the registry",
    "push-ecr-token-expired": "Reauthenticate and try again",
    "push-empty-error": "no reason was given",
    "push-image-unknown": "does not exist locally",
    "push-ministack-immutable": "is immutable",
    "push-no-basic-auth": "no basic auth credentials",
    "push-server-error": "503 Service Unavailable",
    "push-text-only": "EOF",
    "push-too-many-requests": "toomanyrequests",
    "push-unreachable": "connection refused",
}
DIGEST: Final = "sha256:e1fded853153b2fdd66d9ca2754283a0b2dad9be6be952a84c041bcfab2cbeb7"


class ReplayedApi:
    """The client of a daemon that answers with a recorded stream."""

    base_url = api_version = ""

    def __init__(self, name: str) -> None:
        self._lines = STREAMS[name].read_text().splitlines()

    def push(self, *_: object, **__: object) -> Iterator[dict[str, object]]:
        return map(json.loads, self._lines)

    def post(self, *_: object, **__: object) -> Self:
        return self

    def iter_lines(self) -> Iterator[str]:
        return iter(self._lines)

    def raise_for_status(self) -> None:
        pass

    def close(self) -> None:
        pass

    def inspect_image(self, name: str) -> dict[str, str]:
        from docker.errors import NotFound

        if name.startswith("name:"):
            raise NotFound(name)
        return {"Os": "linux", "Architecture": "amd64"}


def replay(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Run the operation that was recorded; return the progress that it showed."""
    monkeypatch.setattr(Daemon, "api", ReplayedApi(name))
    monkeypatch.setenv("PATH", "/nowhere")
    daemon, shown = Daemon("unix:///nowhere.sock"), list[str]()
    if name.startswith("push"):
        login = ("AWS", "fake-token")
        assert push_image(daemon, "name", "1", login, show=shown.append) == DIGEST
        return shown
    dockerfile = tmp_path / "Dockerfile"
    dockerfile.write_text("ARG BASE\nFROM $BASE\n")
    source = ImageSource(context=tmp_path, base=f"base@{DIGEST}", dockerfile=dockerfile)
    ImageBuilder(daemon).build(source, "name", show=shown.append)
    return shown


@pytest.mark.parametrize("name", FAILURES)
def test_a_failure_inside_a_stream_is_raised(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ExternalServiceError) as caught:
        replay(name, tmp_path, monkeypatch)

    assert FAILURES[name] in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["push-ok", "push-layer-exists"])
def test_a_push_that_ends_well_has_the_digest(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert any("digest: sha256:" in line for line in replay(name, tmp_path, monkeypatch))


def test_every_stream_is_replayed() -> None:
    assert set(STREAMS) == set(FAILURES) | {"build-ok", "pull-ok", "push-ok", "push-layer-exists"}
    assert len(FAILURES) >= 15


def test_the_progress_of_layers_in_transit_is_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = replay("push-ok", tmp_path, monkeypatch)

    assert not any("Pushing" in line for line in shown)


@pytest.mark.parametrize("aux", ["CgYIARIC", ["a"]])
def test_a_record_of_another_form_is_not_the_result(aux: object) -> None:
    result = {"aux": {"Digest": "sha256:1"}}
    trace = {"id": "moby.buildkit.trace", "aux": aux}

    assert read_stream(iter((result, trace)), "push", "image") == {"Digest": "sha256:1"}

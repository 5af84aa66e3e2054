"""The tag of an image's content, and sources that are refused."""

import io
import os
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from tradai.aws.ecr import ImageSource
from tradai.core import JobPlatform
from tradai.core.exceptions import NotFoundError, ValidationError

BASE: Final = f"registry.example/python@sha256:{'1' * 64}"


@pytest.fixture
def source(tmp_path: Path) -> ImageSource:
    context = tmp_path / "context"
    (context / "folder").mkdir(parents=True)
    (context / "folder" / "strategy.py").write_text("class S: ...\n")
    (context / "notes.txt").write_text("notes\n")
    (context / ".dockerignore").write_text("# comment\nnotes.txt\n**/*.pyc\n")
    (context / "link").symlink_to("folder/strategy.py")
    dockerfile = tmp_path / "Dockerfile"
    dockerfile.write_text("ARG BASE\nFROM ${BASE} AS one\nCOPY . /x\nFROM one\nFROM scratch\n")
    return ImageSource(context=context, base=BASE, dockerfile=dockerfile)


def test_the_tag_depends_on_content_only(source: ImageSource) -> None:
    tag = source.tag()
    strategy = source.context / "folder" / "strategy.py"
    os.utime(strategy, (1, 1))
    strategy.chmod(0o600)
    (source.context / "notes.txt").write_text("ignored\n")
    (source.context / "folder" / "old.pyc").write_bytes(b"ignored")

    assert source.tag() == tag
    assert tag.startswith("content-")
    assert len(tag) == len("content-") + 32


CHANGES: Final[dict[str, Any]] = {
    "content": lambda s: (s.context / "folder" / "strategy.py").write_text("class T: ...\n"),
    "name": lambda s: (s.context / "folder" / "strategy.py").rename(s.context / "other.py"),
    "new file": lambda s: (s.context / "new").write_text(""),
    "new folder": lambda s: (s.context / "new").mkdir(),
    "executable": lambda s: (s.context / "folder" / "strategy.py").chmod(0o755),
    "link": lambda s: ((s.context / "link").unlink(), (s.context / "link").symlink_to("folder")),
    "ignored no more": lambda s: (s.context / ".dockerignore").unlink(),
    "dockerfile": lambda s: s.dockerfile.write_text("ARG BASE\nFROM $BASE\n"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_in_the_files_changes_the_tag(source: ImageSource, change: str) -> None:
    tag = source.tag()

    CHANGES[change](source)

    assert source.tag() != tag


@pytest.mark.parametrize(
    "change",
    [
        {"base": BASE.replace("1", "2")},
        {"arguments": {"VERSION": "1"}},
        {"platform": JobPlatform.LINUX_ARM64},
    ],
)
def test_a_change_beside_the_files_changes_the_tag(
    source: ImageSource, change: dict[str, Any]
) -> None:
    assert replace(source, **change).tag() != source.tag()


def test_what_is_packed_is_what_was_hashed(source: ImageSource) -> None:
    packed = io.BytesIO()

    assert source.pack(packed) == source.tag()

    packed.seek(0)
    with tarfile.open(fileobj=packed) as archive:
        names = archive.getnames()
        (mtime, owner) = {(member.mtime, member.uid) for member in archive}.pop()
        strategy = archive.extractfile("folder/strategy.py")
        assert strategy is not None
        assert strategy.read() == b"class S: ...\n"
    assert names == ["folder", "folder/strategy.py", "link", ".tradai.Dockerfile"]
    assert (mtime, owner) == (0, 0)


@pytest.mark.parametrize(
    "base", ["python:3.11", "python", "python@sha256:12", "@sha256:" + "1" * 64]
)
def test_a_base_without_its_digest_is_refused(source: ImageSource, base: str) -> None:
    with pytest.raises(ValidationError, match="not pinned"):
        replace(source, base=base)


@pytest.mark.parametrize(
    "line", ["FROM python:3.11", "from python", "FROM --platform=linux/amd64 python AS x"]
)
def test_a_dockerfile_that_starts_from_what_may_change_is_refused(
    source: ImageSource, line: str
) -> None:
    source.dockerfile.write_text(f"ARG BASE\nFROM $BASE\n{line}\n")

    with pytest.raises(ValidationError, match="starts from python"):
        source.tag()


def test_a_secret_in_the_arguments_is_refused_and_not_shown(source: ImageSource) -> None:
    with pytest.raises(ValidationError, match="seems to hold a secret") as caught:
        replace(source, arguments={"API_KEY": "not-a-real-key"})

    assert "not-a-real-key" not in str(caught.value)


@pytest.mark.parametrize("name", ["", "1A", "A B", "BASE", "A=B"])
def test_the_name_of_an_argument_is_checked(source: ImageSource, name: str) -> None:
    with pytest.raises(ValidationError, match="build argument"):
        replace(source, arguments={name: "1"})


def test_files_that_are_missing_are_named(source: ImageSource) -> None:
    with pytest.raises(NotFoundError, match="no folder"):
        replace(source, context=source.context / "nowhere").tag()
    with pytest.raises(NotFoundError, match="Dockerfile"):
        replace(source, dockerfile=source.context / "nowhere").tag()


def test_a_pipe_in_the_context_is_refused(source: ImageSource) -> None:
    os.mkfifo(source.context / "pipe")

    with pytest.raises(ValidationError, match="pipe"):
        source.tag()

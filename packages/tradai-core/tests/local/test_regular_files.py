"""Only regular files of a sane size are read; all others are refused at once, by name."""

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tradai.core import (
    FileJournal,
    FileKind,
    FileStore,
    StrategyConfigLoader,
    UnusableFileError,
    file_errors,
    open_regular_file,
    read_regular_file,
)
from tradai.core.exceptions import StorageError, TradAIError, ValidationError
from tradai.core.frames import FlatDataRepository, ParquetDataRepository

Make = Callable[[Path], None]


@pytest.fixture
def sockets() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture(params=["a named pipe", "a socket", "a device"])
def make(request: pytest.FixtureRequest, sockets: ExitStack) -> Make:
    """Make something that is not a regular file."""

    def bind(path: Path) -> None:
        sockets.enter_context(socket.socket(socket.AF_UNIX)).bind(str(path))

    made: dict[str, Make] = {
        "a named pipe": os.mkfifo,
        "a socket": bind,
        "a device": lambda path: path.symlink_to("/dev/zero"),
    }
    return made[request.param]


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # The path of a socket has some 100 bytes.
    return tmp_path_factory.mktemp("f")


def test_a_regular_file_is_read(folder: Path) -> None:
    (folder / "real").write_bytes(b"content")
    (folder / "link").symlink_to(folder / "real")

    for name in ("real", "link"):
        assert read_regular_file(folder / name, FileKind.CONFIGURATION) == b"content"
    with open_regular_file(folder / "real", FileKind.ANY_SIZE) as file:
        assert [file.read(3), file.read()] == [b"con", b"tent"]


def test_what_is_no_regular_file_is_refused_at_once_by_what_it_is(
    folder: Path, make: Make, request: pytest.FixtureRequest
) -> None:
    make(folder / "x")
    name = request.node.callspec.params["make"]

    with pytest.raises(UnusableFileError, match=f"it is {name}, not a regular file") as caught:
        read_regular_file(folder / "x", FileKind.ANY_SIZE)

    assert caught.value.filename == str(folder / "x")


def test_a_pipe_that_took_the_place_of_a_file_meanwhile_is_refused_too(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "real").write_bytes(b"content")
    before = (folder / "real").stat()
    os.mkfifo(folder / "x")
    monkeypatch.setattr(os, "stat", lambda _: before)

    with pytest.raises(UnusableFileError, match="a named pipe"):
        read_regular_file(folder / "x", FileKind.ANY_SIZE)


@pytest.mark.parametrize("kind", [kind for kind in FileKind if kind.largest is not None])
def test_a_file_is_refused_beyond_the_limit_of_its_kind(folder: Path, kind: FileKind) -> None:
    assert kind.largest is not None
    (folder / "x").touch()
    os.truncate(folder / "x", kind.largest)
    open_regular_file(folder / "x", kind).close()
    os.truncate(folder / "x", kind.largest + 1)

    with pytest.raises(
        UnusableFileError, match=rf"{kind.largest + 1} bytes, not .* {kind.largest}"
    ):
        open_regular_file(folder / "x", kind)


def test_a_folder_and_a_missing_file_are_still_what_they_are(folder: Path) -> None:
    with pytest.raises(IsADirectoryError):
        read_regular_file(folder, FileKind.OBJECT)
    with pytest.raises(FileNotFoundError):
        read_regular_file(folder / "absent", FileKind.OBJECT)


def test_no_descriptor_is_left_open(folder: Path, make: Make) -> None:
    make(folder / "x")
    before = len(list(Path("/dev/fd").iterdir()))

    for _ in range(3):
        with pytest.raises(UnusableFileError):
            open_regular_file(folder / "x", FileKind.OBJECT)

    assert len(list(Path("/dev/fd").iterdir())) == before


def test_as_an_error_of_ours_it_names_the_file_and_what_is_expected(folder: Path) -> None:
    os.mkfifo(folder / "x")

    with pytest.raises(ValidationError) as caught, file_errors("read", folder / "x"):
        read_regular_file(folder / "x", FileKind.CONFIGURATION)

    assert str(caught.value) == (
        f"cannot read {folder / 'x'}: it is a named pipe, not a regular file of at most "
        "4194304 bytes"
    )
    assert caught.value.expected == "a regular file of at most 4194304 bytes"


READERS: dict[str, Callable[[Path], object]] = {
    "object": lambda folder: FileStore().read(str(folder / "object")),
    "configuration.yaml": lambda folder: StrategyConfigLoader(environ={}).load_config(
        str(folder / "configuration.yaml")
    ),
    "journal.jsonl": lambda folder: list(FileJournal(folder / "journal.jsonl").entries()),
    "A_B-5m.feather": lambda folder: FlatDataRepository(folder).get_ohlcv("A/B", "5m"),
    "A_B-5m/manifest.json": lambda folder: ParquetDataRepository(folder).get_ohlcv("A/B", "5m"),
}


@pytest.mark.parametrize("name", READERS)
def test_every_reader_refuses_it_by_name(folder: Path, make: Make, name: str) -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    make(folder / name)

    with pytest.raises(TradAIError, match=r"not a regular file|a link takes ") as caught:
        READERS[name](folder)

    assert str(folder / name) in str(caught.value)
    assert not isinstance(caught.value, StorageError)


def test_a_conditional_write_refuses_it_too(folder: Path) -> None:
    os.mkfifo(folder / "x")

    with pytest.raises(ValidationError, match="a named pipe"):
        FileStore().write(str(folder / "x"), b"new", if_match="tag")

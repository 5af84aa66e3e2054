import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tradai.core import EnvironmentSecrets, FileSecrets, SecretSource
from tradai.core.exceptions import ConfigurationError, NotFoundError
from tradai.core.testing import SecretSourceContract

Keep = Callable[..., str]


@pytest.fixture
def keep(tmp_path: Path) -> Keep:
    """Keep a secret in a file with a mode, and return the reference to it."""

    def write(data: bytes, *, mode: int = 0o600) -> str:
        path = tmp_path / "secret"
        path.write_bytes(data)
        path.chmod(mode)
        return f"file:{path}"

    return write


class TestEnvironmentSecrets(SecretSourceContract):
    @pytest.fixture
    def source(self) -> SecretSource:
        return EnvironmentSecrets({"FAKE_KEY": "fake-environment-value", "FAKE_EMPTY": " "})

    @pytest.fixture
    def known(self) -> tuple[str, str]:
        return "env:FAKE_KEY", "fake-environment-value"

    @pytest.fixture
    def missing(self) -> str:
        return "env:FAKE_ABSENT"

    @pytest.fixture
    def empty(self) -> str:
        return "env:FAKE_EMPTY"


class TestFileSecrets(SecretSourceContract):
    @pytest.fixture
    def source(self) -> SecretSource:
        return FileSecrets()

    @pytest.fixture
    def known(self, keep: Keep) -> tuple[str, str]:
        return keep(b"fake-file-value\n"), "fake-file-value"

    @pytest.fixture
    def missing(self, tmp_path: Path) -> str:
        return f"file:{tmp_path}/absent"

    @pytest.fixture
    def empty(self, keep: Keep) -> str:
        return keep(b"\n")


def test_the_environment_of_the_process_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_KEY_OF_OURS", "fake-process-value")

    assert EnvironmentSecrets().resolve("env:FAKE_KEY_OF_OURS").reveal() == "fake-process-value"


def test_a_missing_variable_is_named_with_what_to_do() -> None:
    with pytest.raises(NotFoundError, match="set the environment variable FAKE_ABSENT"):
        EnvironmentSecrets({}).resolve("env:FAKE_ABSENT")


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_private_file_is_read(keep: Keep, mode: int) -> None:
    assert FileSecrets().resolve(keep(b"fake-a\r\n", mode=mode)).reveal() == "fake-a"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o700, 0o666])
def test_a_file_that_others_may_use_is_refused(keep: Keep, mode: int) -> None:
    with pytest.raises(ConfigurationError, match=f"mode {mode:04o}.*chmod 600"):
        FileSecrets().resolve(keep(b"fake-value", mode=mode))


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o444, 0o440, 0o600])
@pytest.mark.parametrize("named", ["secret", "."])
def test_a_shared_file_may_be_readable_by_others(
    keep: Keep, tmp_path: Path, mode: int, named: str
) -> None:
    source = FileSecrets(shared=[tmp_path / named])

    assert source.resolve(keep(b"fake-a", mode=mode)).reveal() == "fake-a"


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o755, 0o666])
def test_a_shared_file_that_others_may_write_or_run_is_refused(
    keep: Keep, tmp_path: Path, mode: int
) -> None:
    with pytest.raises(ConfigurationError, match=f"mode {mode:04o}, others may write or run it"):
        FileSecrets(shared=[tmp_path]).resolve(keep(b"fake-a", mode=mode))


def test_a_file_beside_a_shared_one_is_not_shared(keep: Keep, tmp_path: Path) -> None:
    reference = keep(b"fake-a", mode=0o644)
    (tmp_path / "named").mkdir()
    hint = "run chmod 600 on it, or name it in TRADAI_SECRET_SHARED_FILES"

    for shared in ("sec", "secret-2", "named"):
        with pytest.raises(ConfigurationError, match=hint):
            FileSecrets(shared=[tmp_path / shared]).resolve(reference)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        FileSecrets(shared=[tmp_path / "named"]).resolve(f"file:{tmp_path}/named/../secret")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to root")
def test_a_shared_file_may_belong_to_root(
    keep: Keep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = keep(b"fake-a", mode=0o640)
    monkeypatch.setattr(os, "geteuid", lambda: 12_345)

    assert FileSecrets(shared=[tmp_path]).resolve(reference).reveal() == "fake-a"
    os.chown(reference.removeprefix("file:"), 12_346, 0)
    with pytest.raises(ConfigurationError, match="belongs to user 12346"):
        FileSecrets(shared=[tmp_path]).resolve(reference)


def test_a_file_of_another_user_is_refused(keep: Keep, monkeypatch: pytest.MonkeyPatch) -> None:
    # Only root can give files away, so the other user is simulated.
    other = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: other)

    with pytest.raises(ConfigurationError, match=f"chown it to {other}"):
        FileSecrets().resolve(keep(b"fake-value"))


def test_a_file_that_is_not_regular_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    (tmp_path / "folder").mkdir(0o700)

    for name in ("pipe", "folder"):
        with pytest.raises((ConfigurationError, NotFoundError)):
            FileSecrets().resolve(f"file:{tmp_path}/{name}")


@pytest.mark.parametrize("data", [b"fake\xff\xfe", b"fake\0value", b"x" * 65_537])
def test_a_file_that_is_not_short_text_is_refused_and_not_shown(keep: Keep, data: bytes) -> None:
    with pytest.raises(ConfigurationError, match="is not text") as caught:
        FileSecrets().resolve(keep(data))

    assert caught.value.__context__ is None


def test_inner_lines_and_outer_spaces_belong_to_the_value(keep: Keep) -> None:
    assert FileSecrets().resolve(keep(b" fake\nvalue \n\n")).reveal() == " fake\nvalue \n"


@pytest.mark.parametrize("reference", ["FAKE", "env:", "env:1A", "env:A-B", "env:A\n", "file:x"])
def test_a_malformed_reference_to_a_variable_is_refused(reference: str) -> None:
    with pytest.raises(ConfigurationError, match="expected env:NAME"):
        EnvironmentSecrets({}).resolve(reference)

"""`data push` and `data pull` print what they did with each file."""

import json
from pathlib import Path

import pytest

from tradai.entrypoint import ExitCode, Interrupts
from tradai.entrypoint._cli import run_command


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADAI_INPUT_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "markets.json").write_bytes(b"{}")
    (tmp_path / "data" / "BTC_USDT-5m.feather").write_bytes(b"btc")
    return tmp_path / "data"


def data(*words: object) -> int:
    return run_command(["data", *map(str, words)], interrupts=Interrupts())


def test_a_push_and_a_pull_say_what_was_moved(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    there, back = f"file://{tmp_path}/there", tmp_path / "back"

    assert data("push", folder, there) == 0
    assert data("push", folder, there) == 0
    assert data("pull", back, there) == 0

    assert capsys.readouterr().out.splitlines() == [
        "sent 2 of 2 files, 0 unchanged",
        "sent 0 of 2 files, 2 unchanged",
        "brought 2 of 2 files, 0 unchanged",
    ]
    assert (back / "markets.json").read_bytes() == b"{}"
    assert sorted(path.name for path in back.iterdir()) == ["BTC_USDT-5m.feather", "markets.json"]


def test_what_only_one_side_has_is_named_and_removed_on_request(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    there = f"file://{tmp_path}/there"
    data("push", folder, there)
    (folder / "markets.json").unlink()
    capsys.readouterr()

    assert data("push", folder, there) == 0
    assert data("push", folder, there, "--delete") == 0

    assert capsys.readouterr().out.splitlines() == [
        "sent 0 of 1 files, 1 unchanged",
        f"only in {there}/, kept (--delete removes it): markets.json",
        "sent 0 of 1 files, 1 unchanged",
        f"removed from {there}/: markets.json",
    ]


def test_json_has_the_names(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    there = f"file://{tmp_path}/there/"
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "old").write_bytes(b"old")

    assert data("push", folder, there, "--json") == 0

    assert json.loads(capsys.readouterr().out) == {
        "uri": there,
        "moved": ["BTC_USDT-5m.feather", "markets.json"],
        "unchanged": [],
        "extra": ["old"],
        "deleted": [],
    }


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("push", "{here}/absent", "memory:data"), ExitCode.DATA, "there is no folder"),
        (("push", "{here}/data", "gs://bucket/data"), ExitCode.CONFIGURATION, "no gs: backend"),
        (("pull", "{here}/back", "memory:data"), ExitCode.DATA, "there are no objects below"),
        (("push", "s3://bucket/data", "{here}/data"), ExitCode.DATA, "does not name a file"),
    ],
)
def test_a_folder_that_cannot_be_is_one_sentence(
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    code: ExitCode,
    sentence: str,
) -> None:
    assert data(*(word.format(here=tmp_path) for word in words)) == code

    assert sentence in capsys.readouterr().err
    assert len(list(folder.iterdir())) == 2

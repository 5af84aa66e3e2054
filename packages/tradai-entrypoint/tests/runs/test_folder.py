from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tradai.core import FileJournal, TradingMode
from tradai.core.exceptions import ConfigurationError, StorageError, ValidationError
from tradai.entrypoint import RunManifest
from tradai.entrypoint._runs.folder import RunFolder, check_run_folder
from tradai.entrypoint._store.claim import RunOwnedError

START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder.create(tmp_path, "run-1")


def test_half_of_the_reserve_is_for_results_and_half_for_the_last_manifest(
    folder: RunFolder,
) -> None:
    reserve = folder.path / ".reserve"
    whole = reserve.stat().st_size

    folder.release_half_of_reserve()
    half = reserve.stat().st_size
    folder.release_reserve()
    folder.release_half_of_reserve()

    assert whole == 2 * half
    assert not reserve.exists()


@pytest.mark.parametrize("needs_scratch", [True, False])
def test_scratch_is_removed_unless_it_is_needed(folder: RunFolder, *, needs_scratch: bool) -> None:
    folder.needs_scratch = needs_scratch

    folder.drop_scratch()

    assert folder.scratch.exists() == needs_scratch


@pytest.mark.parametrize("run_id", [None, "run-2"])
def test_a_folder_that_can_be_created_is_not_by_a_check(tmp_path: Path, run_id: str | None) -> None:
    check_run_folder(tmp_path / "runs" / "here", run_id)

    assert list(tmp_path.iterdir()) == []


def test_a_check_refuses_what_creating_the_folder_would(folder: RunFolder, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="'run-1'"):
        check_run_folder(folder.path.parent, "run-1")
    with pytest.raises(ValidationError, match="not usable"):
        check_run_folder(tmp_path, "../run-1")
    (tmp_path / "file").write_text("in the way")
    for root in (tmp_path / "file", tmp_path / "file" / "runs"):
        with pytest.raises(StorageError, match="Not a directory"):
            check_run_folder(root, None)


def test_a_folder_that_is_no_run_is_not_called_one(folder: RunFolder) -> None:
    root = folder.path.parent
    for create in (RunFolder.create, check_run_folder):
        with pytest.raises(ConfigurationError, match=r"there is a folder 'run-1' .* is no run: "):
            create(root, "run-1")
    (folder.path / "manifest.json").write_text("{")

    with pytest.raises(ConfigurationError, match="there is a run 'run-1' in"):
        RunFolder.create(root, "run-1")


def test_a_run_that_goes_on_is_owned_and_after_its_end_its_id_is_taken(folder: RunFolder) -> None:
    root = folder.path.parent
    (folder.path / "manifest.json").write_text("{}")

    for create in (RunFolder.create, check_run_folder):
        with closing(FileJournal(folder.journal)) as journal:
            journal.append("run started")
            with pytest.raises(RunOwnedError, match="another process has it") as caught:
                create(root, "run-1")
        assert caught.value.exit_code == 75
        with pytest.raises(ConfigurationError, match="already"):
            create(root, "run-1")


def refused(folder: RunFolder, **changes: object) -> RunFolder:
    """A run that was refused before its work began."""
    journal = FileJournal(folder.journal)
    for event in ("run started", "run ended"):
        journal.append(event)
    journal.close()
    record = RunManifest(
        run_id="run-1",
        trace_id="t",
        mode=TradingMode.BACKTEST,
        state="ended",
        started_at=START,
        exit_code=78,
    )
    folder.write_manifest(record.model_copy(update=changes))
    return folder


@pytest.mark.parametrize("exit_code", [65, 69, 75, 77, 78, 79])
def test_a_run_that_was_refused_gives_its_id_to_the_next(
    folder: RunFolder, tmp_path: Path, exit_code: int
) -> None:
    refused(folder, exit_code=exit_code)

    check_run_folder(tmp_path, "run-1")
    RunFolder.create(tmp_path, "run-1", replaces_refusal=True)

    assert [each.name for each in tmp_path.iterdir()] == ["run-1"]
    assert not folder.journal.exists()


def test_a_refused_run_that_a_store_may_have_keeps_its_id(
    folder: RunFolder, tmp_path: Path
) -> None:
    refused(folder)

    with pytest.raises(ConfigurationError, match="already"):
        RunFolder.create(tmp_path, "run-1")
    with pytest.raises(ConfigurationError, match="already"):
        check_run_folder(tmp_path, "run-1", store="s3://runs")


@pytest.mark.parametrize(
    "changes",
    [{"exit_code": 0}, {"exit_code": 70}, {"artifacts": ["a"]}, {"mode": TradingMode.LIVE}],
    ids=str,
)
def test_a_run_that_has_worked_or_is_live_keeps_its_id(
    folder: RunFolder, tmp_path: Path, changes: dict[str, object]
) -> None:
    refused(folder, **changes)

    with pytest.raises(ConfigurationError, match="already"):
        RunFolder.create(tmp_path, "run-1", replaces_refusal=True)

    assert folder.journal.exists()


def test_a_run_whose_engine_began_keeps_its_id(folder: RunFolder, tmp_path: Path) -> None:
    journal = FileJournal(folder.journal)
    journal.append("engine starting")
    journal.close()
    refused(folder)

    with pytest.raises(ConfigurationError, match="already"):
        RunFolder.create(tmp_path, "run-1", replaces_refusal=True)


def test_the_word_for_the_last_finished_run_is_no_run_id(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="stands for the last finished run"):
        RunFolder.create(tmp_path, "latest")


def test_a_check_refuses_a_folder_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # For root every folder can be written.
    monkeypatch.setattr("os.access", lambda path, _mode: path != tmp_path)

    with pytest.raises(StorageError, match="Permission denied"):
        check_run_folder(tmp_path / "runs", None)


def test_a_link_that_leads_to_itself_is_no_folder_of_runs(tmp_path: Path) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to("loop")

    for refused in (RunFolder.create, check_run_folder):
        with pytest.raises(StorageError, match=r"be created: Too many .*; point TRADAI_RUN"):
            refused(loop, "a-1")

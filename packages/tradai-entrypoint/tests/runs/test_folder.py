from pathlib import Path

import pytest

from tradai.entrypoint._runs.folder import RunFolder


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

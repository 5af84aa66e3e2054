from collections.abc import Iterator
from pathlib import Path

import pytest

from tradai.entrypoint import LocalRunner


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder for jobs, which are stopped after the test."""
    folder = tmp_path / "jobs"
    yield folder
    runner = LocalRunner(folder)
    for handle in runner.jobs():
        runner.stop(handle, "the test is over")

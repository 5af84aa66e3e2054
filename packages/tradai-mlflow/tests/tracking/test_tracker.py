"""The tracker keeps the promises of the port, on a server in this process."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tradai.core.testing import TrackedView, TrackerContract

if TYPE_CHECKING:
    from tests.tracking.conftest import FakeRuns


class TestMLflowTracker(TrackerContract):
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        folder = tmp_path / "run"
        folder.mkdir()
        return folder

    @pytest.fixture
    def view(self, server: "FakeRuns") -> Callable[[str], TrackedView]:
        return server.view

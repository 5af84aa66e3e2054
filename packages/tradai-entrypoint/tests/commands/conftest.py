"""Fixtures of the commands."""

from pathlib import Path

import pytest

REGISTRY = """
from pathlib import Path

from tradai.core import LayerData

class RegistryLayer:
    def __init__(self, uri):
        self.name = uri

    def pinned(self):
        return self.name.partition("@")[0] + "@v7"

    def load(self):
        assert self.name.endswith("@v7")
        values = {
            "name": "trend", "version": "1.0.0", "timeframe": "15m", "pairs": ["BTC/USDT"],
            "strategy": {"class": "Trend", "source": "strategies"},
        }
        return LayerData(values=values, origins={}, source_root=Path("/registry/7/strategy"))
"""


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install a registry ``desk:`` with an alias that means version 7, which alone it loads."""
    (tmp_path / "commands_registry.py").write_text(REGISTRY)
    metadata = tmp_path / "commands_registry-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Name: desk-registry\nVersion: 1.0\n")
    points = "[tradai.configs]\ndesk = commands_registry:RegistryLayer\n"
    (metadata / "entry_points.txt").write_text(points)
    monkeypatch.syspath_prepend(tmp_path)

import pytest
from scripted_stop import Scene, new_scene


@pytest.fixture
def scene() -> Scene:
    """A session without orders."""
    return new_scene()

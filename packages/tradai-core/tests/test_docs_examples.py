"""Pages about core: what they show is what happens."""

import doctest
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[3] / "docs"


@pytest.mark.parametrize("page", ["how-to/configure.md", "how-to/time.md", "reference/types.md"])
def test_the_examples_of_a_page_run(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    result = doctest.testfile(str(DOCS / page), module_relative=False)

    assert result.attempted
    assert not result.failed

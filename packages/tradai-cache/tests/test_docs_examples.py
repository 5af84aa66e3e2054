"""Examples in the pages about the cache."""

import doctest
from pathlib import Path

DOCS = Path(__file__).parents[3] / "docs"


def test_the_examples_of_the_page_run() -> None:
    result = doctest.testfile(str(DOCS / "how-to/cache.md"), module_relative=False)

    assert result.attempted
    assert not result.failed

"""The examples of the pages about secrets run."""

import doctest
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[3] / "docs"


@pytest.mark.parametrize("page", ["how-to/store-exchange-keys.md", "how-to/rotate-secrets.md"])
def test_the_examples_of_a_page_run(page: str) -> None:
    result = doctest.testfile(str(DOCS / page), module_relative=False)

    assert result.attempted
    assert not result.failed

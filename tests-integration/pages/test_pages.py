"""Pages of the documentation: their examples run, and their links and names exist."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from pages.conftest import ROOT, Reader
from pages.page import Page, all_pages

PAGES: Final = {str(page.path.relative_to(ROOT)): page for page in all_pages(ROOT)}
RUNNABLE: Final = sorted(name for name, page in PAGES.items() if page.is_runnable)

Give = Callable[[str], None]


@pytest.fixture
def page(tmp_path: Path) -> Callable[[str], Page]:
    """Write a page."""

    def write(text: str) -> Page:
        path = tmp_path / "page.md"
        path.write_text(text, encoding="utf-8")
        return Page(path)

    return write


@pytest.mark.parametrize("name", RUNNABLE)
def test_the_examples_of_a_page_run(name: str, reader: Reader, component: Give) -> None:
    for needed in PAGES[name].needs:
        component(needed)

    done = reader.follow(PAGES[name])

    assert done.returncode == 0, done.stderr


def test_every_link_has_a_target() -> None:
    assert [problem for page in PAGES.values() for problem in page.link_problems()] == []


def test_every_block_that_is_not_run_has_a_reason() -> None:
    assert [problem for page in PAGES.values() for problem in page.mark_problems()] == []


def test_every_path_that_a_page_names_exists() -> None:
    problems = [problem for page in PAGES.values() for problem in page.named_path_problems(ROOT)]
    assert problems == []


def test_every_test_that_a_page_names_exists() -> None:
    files = [
        *ROOT.glob("packages/*/tests/**/test_*.py"),
        *ROOT.glob("tests-integration/**/test_*.py"),
    ]
    functions = re.findall(r"def (test_\w+)\(", "\n".join(file.read_text() for file in files))
    known = {*functions, *(file.name for file in files)}
    named = {name: page.named_tests for name, page in PAGES.items() if page.named_tests}

    assert {"docs/explanation/secrets-threat-model.md", "docs/reference/seed.md"} <= set(named)
    assert {name: tests - known for name, tests in named.items() if tests - known} == {}


def test_every_term_of_the_glossary_is_explained_once() -> None:
    text = PAGES["docs/reference/glossary.md"].text
    terms = re.findall(r"^### (.+)\n\n(.+)", text, re.MULTILINE)
    names = [name for name, _ in terms]

    assert len(names) == text.count("\n### ") == len(set(names))
    assert not [name for name, explanation in terms if explanation.startswith(("#", "-"))]


def test_the_first_pages_link_to_the_glossary() -> None:
    for name in ("README.md", "CONTRIBUTING.md", "docs/index.md"):
        assert "reference/glossary.md)" in PAGES[name].text


def test_the_pages_are_collected() -> None:
    assert {"README.md", "docs/index.md", "packages/tradai-core/README.md"} <= set(PAGES)
    assert {"docs/how-to/cache.md", "docs/reference/api/core.md"} <= set(RUNNABLE)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("```python\nmissing\n```\n", "page.md:2: this block fails"),
        ("# A\n\n```python\n>>> 1 + 1\n3\n\n```\n", "Expected:\n    3\nGot:\n    2"),
        ("```python\nx = 1\n```\n\n```sh\nfalse\n```\n", "page.md:6: this block fails"),
        ("```python\ndef f(:\n```\n", "SyntaxError"),
        ("<!-- not run: it needs an account -->\n```python\ndef f(:\n```\n", "SyntaxError"),
    ],
    ids=["raises", "shows another value", "exits with 1", "syntax", "syntax, not run"],
)
def test_a_block_that_fails_is_found(
    text: str, message: str, page: Callable[[str], Page], reader: Reader
) -> None:
    done = reader.follow(page(text))

    assert done.returncode == 1
    assert message in done.stderr


def test_blocks_of_a_page_share_names_files_and_variables(
    page: Callable[[str], Page], reader: Reader
) -> None:
    text = """\
```yaml
# conf/a.yaml
a: 1
```

```sh
export DESK=spot
grep -q 'a: 1' conf/a.yaml
```

<!-- not run: nothing listens here -->
```sh
exit 1
```

```python
import os
desk = os.environ["DESK"]
```

```python
>>> desk
'spot'

```
"""

    done = reader.follow(page(text))

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "text",
    [
        "<!-- not run -->\n```sh\nfalse\n```\n",
        "<!-- not run: later -->\n```sh\nfalse\n```\n",
        "<!-- not run: there is no such block -->\nText.\n",
        "<!-- not run: nothing runs YAML anyway -->\n```yaml\na: 1\n```\n",
        "<!-- needs: mainframe -->\n",
    ],
    ids=["no reason", "one word", "no block", "no example", "unknown component"],
)
def test_a_mark_without_a_reason_or_a_block_is_found(
    text: str, page: Callable[[str], Page]
) -> None:
    assert len(list(page(text).mark_problems())) == 1


@pytest.mark.parametrize(
    ("link", "problems"),
    [
        ("page.md", 0),
        ("#part-1-run-it", 0),
        ("page.md#part-1-run-it", 0),
        ("https://example.org/x", 0),
        ("other.md", 1),
        ("#part-2", 1),
        ("page.md#part-2", 1),
    ],
)
def test_a_broken_link_is_found(link: str, problems: int, page: Callable[[str], Page]) -> None:
    text = f"# Part 1: `run` it\n\n[link]({link})\n\n```md\n[code](nowhere.md)\n```\n"

    assert len(list(page(text).link_problems())) == problems


def test_no_two_pages_of_a_first_session_give_a_run_the_same_id() -> None:
    names = ("README.md", "docs/tutorials/first-backtest.md", "docs/how-to/go-live.md")
    ids = [each for name in names for each in _run_ids(Page(ROOT / name).text)]

    assert len(ids) >= 7
    assert sorted(set(ids)) == sorted(ids)


def _run_ids(text: str) -> list[str]:
    return re.findall(r"--run-id (\S+)", text)

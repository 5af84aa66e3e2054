"""scripts/words.py, which counts idioms that make sentences hard to read."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

SCRIPT: Final = Path(__file__).resolve().parents[1] / "scripts" / "words.py"

Check = Callable[[str, str], tuple[int, list[str], str]]


@pytest.fixture
def check(tmp_path: Path) -> Check:
    """Check one file, given its name and text; return exit code, hits, and summary."""

    def run(name: str, text: str) -> tuple[int, list[str], str]:
        file = tmp_path / name
        file.write_text(text, encoding="utf-8")
        done = subprocess.run(
            [sys.executable, SCRIPT, file], capture_output=True, text=True, check=False
        )
        *hits, summary = done.stdout.splitlines()
        return done.returncode, [hit.removeprefix(f"{file}:") for hit in hits], summary

    return run


@pytest.mark.parametrize(
    ("text", "hits"),
    [
        ("What it holds is kept.", ["1: What: What it holds is kept."]),
        ("It is kept. Who asks\nis answered.", ["1: Who: Who asks is answered."]),
        (
            "It is kept for\nas long as nobody asks.",
            ["2: nobody: It is kept for as long as nobody"],
        ),
        ("This is no\nkey.", ["1: is no k: This is no key."]),
        ("- What it is.\n- How it is.", ["1: What: What it is.", "2: How: How it is."]),
        ("| name | How it is |\n|---|---|", ["1: How: How it is"]),
        ('(Whoever asks is "told")', ['1: Whoever: Whoever asks is "told")', "1: told"]),
        ("As above, and so below.", ["1: As above: As above", "1: so below: As above"]),
        ("[What it is](page.md)", ["1: What: What it is]"]),
    ],
)
def test_an_idiom_of_a_page_is_shown_with_its_line(
    text: str, hits: list[str], check: Check
) -> None:
    code, shown, _ = check("page.md", text)

    assert code == 1
    assert len(shown) == len(hits)
    assert all(line.startswith(hit) for line, hit in zip(shown, hits, strict=True))


@pytest.mark.parametrize(
    "text",
    [
        "# What it is",
        "What is it?",
        "Is it one that nobody knows?",
        "It is no longer kept.",
        "It shows what it is, and `told` is a name.",
        "```python\n# What it is\n```",
        "    What is indented is code.",
        "<!-- nobody sees this -->",
        "See [it](nobody.md).",
    ],
)
def test_headings_questions_and_code_of_a_page_are_left_out(text: str, check: Check) -> None:
    code, shown, _ = check("page.md", text)

    assert (code, shown) == (0, [])


MODULE: Final = '''\
"""What a module is. It is kept.

>>> told = "nobody"

Args:
    key: Who asks.
    value: The value::

        What is in a literal block.
"""


def run() -> None:
    # Nobody sees
    # this comment.
    told = "How it is"  # noqa: F841 - nobody uses it
    print(told)  # What is printed
'''


def test_docstrings_and_comments_of_a_module_are_read(check: Check) -> None:
    code, shown, _ = check("module.py", MODULE)

    assert code == 1
    assert shown == [
        "1: What: What a module is.",
        "6: Who: Who asks.",
        "14: Nobody: Nobody sees this comment.",
        "17: What: What is printed",
    ]


def test_comments_of_a_shell_script_are_read(check: Check) -> None:
    _, shown, _ = check("script", "#!/bin/sh\n# It is run.\n# What it does\necho nobody\n")

    assert shown == ["3: What: What it does"]


@pytest.mark.parametrize(("words", "code"), [(999, 1), (1000, 0)])
def test_one_idiom_in_a_thousand_words_is_allowed(words: int, code: int, check: Check) -> None:
    text = " ".join(["nobody", *["word"] * (words - 1)])

    returned, shown, summary = check("page.md", text)

    assert (returned, len(shown)) == (code, 1)
    assert f"1 idioms in {words:,} words: {1000 / words:.2f} per 1,000" in summary

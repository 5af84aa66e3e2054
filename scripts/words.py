"""Count the idioms that make a sentence hard to read, and fail above one in a thousand words.

Looks at comments and docstrings of every Python file (packages, scripts, tests, examples), at the
comments of shell scripts, and at every Markdown page except the generated ones. Prints each hit as
``file:line: idiom: sentence``, then a summary. Usage: ``words.py [PATH...]``; without a path, the
whole repository.

The count is made this way:

- Lines of one paragraph are joined: of a docstring, of comments on successive lines, of a page.
  A list item, a table cell and an entry of ``Args:``, ``Returns:`` and the like (after its name)
  are paragraphs of their own.
- A sentence starts at the start of a paragraph and after ``.``, ``!``, ``?`` or ``:`` and a blank.
- Left out, words included: code (fenced or in backticks, ``>>>`` examples, literal blocks after
  ``::``), headings, questions, HTML comments, directives such as ``noqa`` and ``type: ignore``.
- "is no longer" is allowed.
- A word is a run of letters, hyphens and apostrophes that starts with a letter.
"""

import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
PER_THOUSAND: Final = 1.0
IDIOM: Final = re.compile(
    r"^(?:What|Who|Whoever|Which|How)\b"
    r"|(?i:\b(?:nobody|somebody|everybody|whoever)\b|\bis no (?!longer\b)[a-z]|\btold\b"
    r"|\bas above\b|\bso below\b)"
)
WORD: Final = re.compile(r"[A-Za-z][A-Za-z'’-]*")
SOURCES: Final = ("packages", "scripts", "tests-integration", "docs", "conftest.py")
PAGES: Final = ("README.md", "CONTRIBUTING.md", "docs/**/*.md", "packages/*/*.md")
GENERATED: Final = "docs/reference/api/"

_SENTENCE_END: Final = re.compile(r"(?<=[.!?:])[\"')*_]*\s+")
_INLINE_CODE: Final = re.compile(r"``.+?``|`[^`]+`|:\w+:`[^`]+`", re.DOTALL)
_DIRECTIVE: Final = re.compile(r"^#\s*(?:noqa|type:|mypy:|ruff:|pragma|shellcheck|!)|^#!")
_SECTION: Final = re.compile(r"^(?:Args|Returns|Raises|Yields|Attributes|Example|Examples|Note):$")
_ENTRY: Final = re.compile(r"^(\*{0,2}[\w., ]+(?: \(.+?\))?|`{1,2}[^`]+`{1,2}): +")
_LIST_ITEM: Final = re.compile(r"^(?:[-*+]|\d+\.) +")
_LINK: Final = re.compile(r"\]\([^)]*\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Paragraph:
    """Joined lines of prose, and the line they start on."""

    line: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """An idiom in a sentence."""

    line: int
    idiom: str
    sentence: str


def main(arguments: Sequence[str]) -> int:
    """Print every hit and the rate; return 1 when it is above the bound."""
    words = hits = 0
    for file in files_of([Path(one).resolve() for one in arguments] or [ROOT]):
        paragraphs = list(paragraphs_of(file))
        words += sum(count_words(one.text) for one in paragraphs)
        for hit in hits_in(paragraphs):
            hits += 1
            print(f"{file.relative_to(ROOT)}:{hit.line}: {hit.idiom}: {hit.sentence}")
    rate = 1000 * hits / max(words, 1)
    print(f"{hits} idioms in {words:,} words: {rate:.2f} per 1,000, at most {PER_THOUSAND:g}")
    return int(rate > PER_THOUSAND)


def files_of(chosen: Sequence[Path]) -> list[Path]:
    """Return the files that are looked at, inside one of `chosen`."""
    found = {file for place in SOURCES for file in (ROOT / place).rglob("*.py")}
    found |= {ROOT / "conftest.py"}
    found |= {file for pattern in PAGES for file in ROOT.glob(pattern)}
    found |= {file for file in (*(ROOT / "scripts").iterdir(), *(ROOT / ".ci").iterdir())}
    return sorted(
        file
        for file in found
        if file.is_file()
        and not str(file.relative_to(ROOT)).startswith(GENERATED)
        and any(file.is_relative_to(one) for one in chosen)
    )


def hits_in(paragraphs: Sequence[Paragraph]) -> Iterator[Hit]:
    """Yield the idioms, in the order of the text."""
    for paragraph in paragraphs:
        for sentence in sentences_of(paragraph.text):
            for match in IDIOM.finditer(sentence):
                yield Hit(line=paragraph.line, idiom=match[0], sentence=sentence)


def sentences_of(text: str) -> Iterator[str]:
    """Yield the sentences of a paragraph without its questions."""
    for sentence in _SENTENCE_END.split(text):
        bare = sentence.strip().lstrip("*_\"'([")
        if bare and not bare.endswith("?"):
            yield bare


def count_words(text: str) -> int:
    """Return how many words the sentences of `text` have."""
    return sum(len(WORD.findall(sentence)) for sentence in sentences_of(text))


def paragraphs_of(file: Path) -> Iterator[Paragraph]:
    """Yield the prose of a Python file, a Markdown page or a shell script."""
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".py":
        yield from python_prose(text)
    elif file.suffix == ".md":
        yield from page_prose(text)
    elif text.startswith("#"):
        yield from _comment_prose(enumerate(text.splitlines(), 1))


def python_prose(text: str) -> Iterator[Paragraph]:
    """Yield paragraphs of the docstrings, then of the comments, of Python source."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            docstring = ast.get_docstring(node, clean=True)
            if docstring:
                yield from _docstring_prose(docstring, first=node.body[0].lineno)
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    yield from _comment_prose(
        (token.start[0], token.string) for token in tokens if token.type == tokenize.COMMENT
    )


def page_prose(text: str) -> Iterator[Paragraph]:
    """Yield paragraphs, list items and table cells of a Markdown page."""
    text = re.sub(r"<!--.*?-->", lambda found: "\n" * found[0].count("\n"), text, flags=re.DOTALL)
    text = re.sub(
        r"^```.*?^```$",
        lambda found: "\n" * found[0].count("\n"),
        text,
        flags=re.DOTALL | re.MULTILINE,
    )
    lines: list[tuple[int, str]] = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("|"):
            lines += [(number, ""), *((number, f"- {cell.strip()}") for cell in line.split("|"))]
        else:
            lines.append((number, "" if line.startswith(("#", "    ")) else line))
    yield from _joined(lines)


def _docstring_prose(text: str, *, first: int) -> Iterator[Paragraph]:
    lines: list[tuple[int, str]] = []
    is_example = is_literal = in_section = False
    for number, line in enumerate(text.splitlines(), first):
        bare = line.strip()
        is_example = bool(bare) and (is_example or bare.startswith(">>>"))
        is_literal = is_literal and (not bare or line.startswith("    "))
        is_heading = bool(_SECTION.match(bare))
        in_section = is_heading or (in_section and (not bare or line.startswith(" ")))
        if is_example or is_literal or is_heading:
            lines.append((number, ""))
        else:
            entry = _ENTRY.match(bare) if in_section else None
            lines.append((number, f"- {bare[entry.end() :]}" if entry else bare))
        is_literal = is_literal or bare.endswith("::")
    yield from _joined(lines)


def _comment_prose(comments: Iterator[tuple[int, str]]) -> Iterator[Paragraph]:
    lines: list[tuple[int, str]] = []
    for number, comment in comments:
        bare = comment.strip()
        if not bare.startswith("#") or _DIRECTIVE.match(bare):
            continue
        if lines and lines[-1][0] != number - 1:
            lines.append((number, ""))
        lines.append((number, bare.lstrip("#: ")))
    yield from _joined(lines)


def _joined(lines: Sequence[tuple[int, str]]) -> Iterator[Paragraph]:
    """Join lines to paragraphs, which an empty line or a list item ends."""
    first, parts = 0, list[str]()
    for number, line in (*lines, (0, "")):
        bare = line.strip()
        if (not bare or _LIST_ITEM.match(bare)) and parts:
            yield Paragraph(line=first, text=_prose(" ".join(parts)))
            parts = []
        if bare:
            first = first if parts else number
            parts.append(_LIST_ITEM.sub("", bare))


def _prose(text: str) -> str:
    """Put a sign in the place of code, so that it is no word, and drop the targets of links."""
    return _LINK.sub("]", _INLINE_CODE.sub("§", text))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

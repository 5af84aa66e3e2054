"""Count idioms that make sentences hard to read, and fail above one in a thousand words.

Reads the comments and docstrings of every Python file (packages, scripts, tests, examples), the
comments of shell scripts, and every Markdown page except those of docs/reference/api, which repeat
docstrings. Prints each hit as ``file:line: idiom: sentence``, then the rate. Usage:
``words.py [PATH...]``; without a path, the whole repository.

The count is made this way:

- Lines of one paragraph are joined: of a docstring, of comments on successive lines, of a page.
  A list item, a table cell and an entry of ``Args:``, ``Returns:`` and the like (after its name)
  are paragraphs of their own.
- A sentence starts at the start of a paragraph, and after ``.``, ``!``, ``?`` or ``:`` and a blank.
- Left out, words included: code (fenced or in backticks, ``>>>`` examples, literal blocks after
  ``::``), headings, questions, HTML comments, directives such as ``noqa`` and ``type: ignore``.
- "is no longer" is allowed.
- A word is a run of letters, hyphens and apostrophes that starts with a letter.
"""

import ast
import io
import itertools
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
WORD: Final = re.compile(r"[A-Za-z][A-Za-z'-]*")
SOURCES: Final = ("packages", "scripts", "tests-integration", "docs")
PAGES: Final = ("README.md", "CONTRIBUTING.md", "docs/**/*.md", "packages/*/*.md")
GENERATED: Final = ROOT / "docs" / "reference" / "api"
# Stands for each character of code, so that positions in the text stay.
CODE: Final = "\N{SECTION SIGN}"

_SENTENCE_END: Final = re.compile(r"(?<=[.!?:])[\"')*_]*\s+")
_INLINE_CODE: Final = re.compile(r"``.+?``|`[^`]+`|:\w+:`[^`]+`", re.DOTALL)
_DIRECTIVE: Final = re.compile(r"^#\s*(?:noqa|type:|mypy:|ruff:|pragma|shellcheck|!)|^#!")
_SECTION: Final = re.compile(r"^(?:Args|Returns|Raises|Yields|Attributes|Example|Examples|Note):$")
_ENTRY: Final = re.compile(r"^(\*{0,2}[\w., ]+(?: \(.+?\))?|`{1,2}[^`]+`{1,2}): +")
_LIST_ITEM: Final = re.compile(r"^(?:[-*+]|\d+\.) +")
_LINK_TARGET: Final = re.compile(r"(?<=\])\([^)]*\)")
_OPENING: Final = " *_\"'(["
_CLOSING: Final = " *_\"')]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Paragraph:
    """Joined lines of prose.

    Attributes:
        text: The lines, one blank between each two; code and links are overwritten with signs.
        lines: Number of each line, with the position in `text` at which it starts.
    """

    text: str
    lines: Sequence[tuple[int, int]]

    def line_at(self, position: int) -> int:
        """Return the number of the line that has the character at `position`."""
        return max(number for number, start in self.lines if start <= position)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """An idiom in a sentence."""

    line: int
    idiom: str
    sentence: str


def main(arguments: Sequence[str]) -> int:
    """Print every hit and the rate; return 1 when it is above the bound."""
    words = hits = 0
    for file in files_of([Path(argument).resolve() for argument in arguments] or [ROOT]):
        for paragraph in paragraphs_of(file):
            words += count_words(paragraph)
            for hit in hits_in(paragraph):
                hits += 1
                print(f"{_shown(file)}:{hit.line}: {hit.idiom}: {hit.sentence}")
    rate = 1000 * hits / max(words, 1)
    print(f"{hits} idioms in {words:,} words: {rate:.2f} per 1,000, at most {PER_THOUSAND:g}")
    return int(rate > PER_THOUSAND)


def files_of(chosen: Sequence[Path]) -> list[Path]:
    """Return the files to read: those among `chosen` and those inside them."""
    files = {file for folder in SOURCES for file in (ROOT / folder).rglob("*.py")}
    files |= {file for pattern in PAGES for file in ROOT.glob(pattern)}
    files |= {*(ROOT / "scripts").iterdir(), *(ROOT / ".ci").iterdir(), ROOT / "conftest.py"}
    files = {file for file in files if not file.is_relative_to(GENERATED)}
    inside = {file for file in files if any(file.is_relative_to(path) for path in chosen)}
    return sorted(file for file in inside | set(chosen) if file.is_file())


def hits_in(paragraph: Paragraph) -> Iterator[Hit]:
    """Yield the idioms, in the order of the text."""
    for position, sentence in sentences_of(paragraph.text):
        for match in IDIOM.finditer(sentence):
            shown = re.sub(f"{CODE}+", CODE, " ".join(sentence.split()))
            line = paragraph.line_at(position + match.start())
            yield Hit(line=line, idiom=match[0], sentence=shown)


def sentences_of(text: str) -> Iterator[tuple[int, str]]:
    """Yield the position and the text of each sentence; questions are left out."""
    starts = [0, *(match.end() for match in _SENTENCE_END.finditer(text)), len(text)]
    for start, end in itertools.pairwise(starts):
        bare = text[start:end].lstrip(_OPENING)
        if bare and not bare.rstrip(_CLOSING).endswith("?"):
            yield end - len(bare), bare


def count_words(paragraph: Paragraph) -> int:
    """Return the number of words in the sentences of `paragraph`."""
    return sum(len(WORD.findall(sentence)) for _, sentence in sentences_of(paragraph.text))


def paragraphs_of(file: Path) -> Iterator[Paragraph]:
    """Yield the prose of a Python file, a Markdown page or a shell script."""
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".py":
        yield from python_prose(text)
    elif file.suffix == ".md":
        yield from page_prose(text)
    elif text.startswith("#"):
        yield from _comment_prose(enumerate(text.splitlines(), 1))


def _shown(file: Path) -> Path:
    return file.relative_to(ROOT) if file.is_relative_to(ROOT) else file


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
    text = re.sub(r"<!--.*?-->", lambda match: "\n" * match[0].count("\n"), text, flags=re.DOTALL)
    text = re.sub(
        r"^```.*?^```$",
        lambda match: "\n" * match[0].count("\n"),
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
    parts: list[tuple[int, str]] = []
    for number, line in (*lines, (0, "")):
        bare = line.strip()
        if (not bare or _LIST_ITEM.match(bare)) and parts:
            yield _paragraph(parts)
            parts = []
        if bare:
            parts.append((number, _LIST_ITEM.sub("", bare)))


def _paragraph(parts: Sequence[tuple[int, str]]) -> Paragraph:
    lengths = [len(line) + 1 for _, line in parts]
    starts = itertools.accumulate(lengths[:-1], initial=0)
    text = " ".join(line for _, line in parts)
    for pattern in (_INLINE_CODE, _LINK_TARGET):
        text = pattern.sub(lambda match: CODE * len(match[0]), text)
    return Paragraph(
        text=text,
        lines=[(number, start) for (number, _), start in zip(parts, starts, strict=True)],
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

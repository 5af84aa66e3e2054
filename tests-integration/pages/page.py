"""A Markdown page of the documentation: its code blocks, links, headings and marks.

Two marks, both HTML comments, control how the examples of a page are tested:

- ``<!-- not run: REASON -->`` just before a block: the block is not run, only compiled.
- ``<!-- needs: NAME -->`` anywhere: the page's examples run where this component is installed.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final
from urllib.parse import unquote

RUNNABLE: Final = frozenset({"sh", "python", "pycon"})
COMPONENTS: Final = frozenset({"engine", "mlflow", "s3"})
SHORTEST_REASON: Final = 3  # words

_BLOCK: Final = re.compile(
    r"(?P<mark><!-- not run:?(?P<reason>[^>]*?)-->\n+)?"
    r"^```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)
_MARK: Final = re.compile(r"<!-- not run\b")
_NEEDS: Final = re.compile(r"<!-- needs: (\w+) -->")
_LINK: Final = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_HEADING: Final = re.compile(r"^#{1,6} +(.+?)\s*$", re.MULTILINE)
_FILE: Final = re.compile(r"(?:#|//) ([\w./-]+\.(?:json|py|toml|yaml))\n")
_ANY_FENCE: Final = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
_CODE: Final = re.compile(r"`[^`\n]*`")
_NAMED_PATH: Final = re.compile(r"`((?:docs|packages|scripts|tests-integration)/[\w./-]+)`")
_NAMED_TEST: Final = re.compile(r"`(test_\w+)`")
_NAMED_TEST_FILE: Final = re.compile(r"`(test_\w+\.py)`")
_EXTERNAL: Final = ("https://", "http://", "mailto:")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced block of code.

    Attributes:
        line: Line of the page on which its text starts.
        section: Number of headings of the page before it.
        file: Name of the file that its first line, a comment, gives it; empty when it has none.
        reason: Text of its "not run" mark; None when it has no mark.
    """

    line: int
    section: int
    language: str
    text: str
    file: str
    reason: str | None


@dataclass(frozen=True)
class Page:
    """A page, named by its path."""

    path: Path

    @cached_property
    def text(self) -> str:
        """The whole text."""
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def blocks(self) -> list[Block]:
        """Its fenced blocks, from top to bottom."""
        return [self._block(match) for match in _BLOCK.finditer(self.text)]

    @cached_property
    def needs(self) -> list[str]:
        """Names of the components that its examples need."""
        return _NEEDS.findall(self.text)

    @cached_property
    def anchors(self) -> set[str]:
        """Anchors of its headings, as GitHub makes them."""
        anchors: list[str] = []
        for heading in _HEADING.findall(_ANY_FENCE.sub("", self.text)):
            plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
            anchor = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
            repeated = anchors.count(anchor)
            anchors.append(anchor)
            if repeated:
                anchors.append(f"{anchor}-{repeated}")
        return set(anchors)

    @property
    def is_runnable(self) -> bool:
        """Whether it has an example to run."""
        return any(block.language in RUNNABLE and block.reason is None for block in self.blocks)

    def mark_problems(self) -> Iterator[str]:
        """Yield each mark without a reason, without an example, or of an unknown component."""
        marked = [block for block in self.blocks if block.reason is not None]
        for block in marked:
            if len((block.reason or "").split()) < SHORTEST_REASON:
                yield f"{self.path}:{block.line}: the mark of this block gives no reason"
            if block.language not in RUNNABLE:
                yield f"{self.path}:{block.line}: a block of {block.language!r} is never run"
        if len(_MARK.findall(_ANY_FENCE.sub("", self.text))) != len(marked):
            yield f"{self.path}: a mark does not stand just before a block"
        for name in self.needs:
            if name not in COMPONENTS:
                yield f"{self.path}: there is no component {name!r} to need"

    def link_problems(self) -> Iterator[str]:
        """Yield each relative link whose file or anchor does not exist."""
        prose = _CODE.sub("", _ANY_FENCE.sub("", self.text))
        for link in _LINK.findall(prose):
            if link.startswith(_EXTERNAL):
                continue
            name, _, anchor = link.partition("#")
            target = self.path.parent / unquote(name) if name else self.path
            if not target.exists():
                yield f"{self.path}: the link {link} leads nowhere"
            elif anchor and anchor not in Page(target).anchors:
                yield f"{self.path}: the link {link} names no heading of its page"

    def named_path_problems(self, root: Path) -> Iterator[str]:
        """Yield each path of the repository that the page names although it does not exist."""
        for name in _NAMED_PATH.findall(self.text):
            if not (root / name).exists():
                yield f"{self.path}: there is no {name}"

    @property
    def named_tests(self) -> set[str]:
        """Names of the test functions and test files that the page names as a proof."""
        return {*_NAMED_TEST.findall(self.text), *_NAMED_TEST_FILE.findall(self.text)}

    def _block(self, match: re.Match[str]) -> Block:
        before = self.text[: match.start("text")]
        text = match["text"]
        file = _FILE.match(text)
        return Block(
            line=before.count("\n") + 1,
            section=len(_HEADING.findall(_ANY_FENCE.sub("", before))),
            language=match["language"],
            text=text,
            file=file[1] if file else "",
            reason=None if match["mark"] is None else match["reason"].strip(),
        )


def all_pages(root: Path) -> list[Page]:
    """Return every page for readers of the repository, sorted by path."""
    patterns = ("README.md", "CONTRIBUTING.md", "docs/**/*.md", "packages/*/*.md")
    return [Page(path) for path in sorted({p for pattern in patterns for p in root.glob(pattern)})]

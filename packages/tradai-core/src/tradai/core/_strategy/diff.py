"""What distinguishes two configurations, for people to read."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias, final

from tradai.core._documents.canonical import canonical_json
from tradai.core._documents.json_values import FrozenMapping, JsonValue, freeze
from tradai.core._documents.tree import Path, dotted, leaves
from tradai.core._secrets.detection import looks_like_secret
from tradai.core._secrets.redaction import MASK, redact_value
from tradai.core._strategy.config import StrategyConfig

__all__ = ["ConfigDiff", "diff"]

Leaves: TypeAlias = Mapping[Path, JsonValue]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigDiff:
    """The leaves that differ, by dotted path; what looks like a secret is masked.

    It is false when nothing differs, which is when the digests are equal.

    Attributes:
        added: What only the second configuration has.
        removed: What only the first one has.
        changed: What both have, as a pair of its first and its second value.
    """

    added: Mapping[str, JsonValue]
    removed: Mapping[str, JsonValue]
    changed: Mapping[str, tuple[JsonValue, JsonValue]]

    def __bool__(self) -> bool:
        """Tell whether anything differs."""
        return bool(self.added or self.removed or self.changed)

    def __str__(self) -> str:
        """Spell one leaf on each line, sorted by path, values as JSON; empty for none."""
        return "\n".join(line for _, line in sorted(self._lines()))

    def _lines(self) -> Iterator[tuple[str, str]]:
        for path, value in self.added.items():
            yield path, f"+ {path}: {_spelled(value)}"
        for path, value in self.removed.items():
            yield path, f"- {path}: {_spelled(value)}"
        for path, (first, second) in self.changed.items():
            yield path, f"~ {path}: {_spelled(first)} -> {_spelled(second)}"


def diff(first: StrategyConfig, second: StrategyConfig) -> ConfigDiff:
    """Return what makes `second` another configuration than `first`, defaults spelled out."""
    one, other = leaves(first.canonical()), leaves(second.canonical())
    changed = [path for path in one if path in other and _differ(one[path], other[path])]
    return ConfigDiff(
        added=FrozenMapping(_only(other, one)),
        removed=FrozenMapping(_only(one, other)),
        changed=FrozenMapping(
            {dotted(path): (_shown(path, one[path]), _shown(path, other[path])) for path in changed}
        ),
    )


def _only(one: Leaves, other: Leaves) -> dict[str, JsonValue]:
    # A block that is empty here and filled there is told by what fills it.
    filled = {path[:length] for path in other for length in range(len(path))}
    return {
        dotted(path): _shown(path, value)
        for path, value in one.items()
        if path not in other and path not in filled
    }


def _differ(one: JsonValue, other: JsonValue) -> bool:
    # As the digest sees it: true is not 1, but 1.0 is.
    return canonical_json(one) != canonical_json(other)


def _shown(path: Path, value: JsonValue) -> JsonValue:
    return MASK if looks_like_secret(path, value) else freeze(redact_value(value))


def _spelled(value: JsonValue) -> str:
    return json.dumps(value, ensure_ascii=False)

"""Differences between two strategy configurations, for people to read."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias, final

from tradai.core._documents.canonical import canonical_json
from tradai.core._documents.json_values import FrozenMapping, JsonValue, freeze
from tradai.core._documents.tree import KeyPath, dotted, leaves
from tradai.core._secrets.detection import looks_like_secret
from tradai.core._secrets.redaction import MASK, redact_value
from tradai.core._strategy.config import StrategyConfig

Leaves: TypeAlias = Mapping[KeyPath, JsonValue]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigDiff:
    """The leaves that differ, by dotted path; what looks like a secret is masked.

    It is false when nothing differs, which is when the digests are equal.

    Attributes:
        added: Leaves of the second configuration only.
        removed: Leaves of the first one only.
        changed: Leaves of both that differ, each as a pair of its first and second value.
    """

    added: Mapping[str, JsonValue]
    removed: Mapping[str, JsonValue]
    changed: Mapping[str, tuple[JsonValue, JsonValue]]

    def __bool__(self) -> bool:
        """Tell whether anything differs."""
        return bool(self.added or self.removed or self.changed)

    def __str__(self) -> str:
        """Return one line for each leaf, sorted by path, with its value as JSON; empty for none."""
        return "\n".join(line for _, line in sorted(self._lines()))

    def _lines(self) -> Iterator[tuple[str, str]]:
        for path, value in self.added.items():
            yield path, f"+ {path}: {_json_text(value)}"
        for path, value in self.removed.items():
            yield path, f"- {path}: {_json_text(value)}"
        for path, (first, second) in self.changed.items():
            yield path, f"~ {path}: {_json_text(first)} -> {_json_text(second)}"


def diff(first: StrategyConfig, second: StrategyConfig) -> ConfigDiff:
    """Return the differences of `second` from `first`, defaults included."""
    old, new = leaves(first.canonical()), leaves(second.canonical())
    changed = [path for path in old if path in new and _differ(old[path], new[path])]
    return ConfigDiff(
        added=FrozenMapping(_missing_from(old, new)),
        removed=FrozenMapping(_missing_from(new, old)),
        changed=FrozenMapping(
            {dotted(path): (_shown(path, old[path]), _shown(path, new[path])) for path in changed}
        ),
    )


def _missing_from(base: Leaves, tree: Leaves) -> dict[str, JsonValue]:
    """Return the leaves of `tree` that `base` has not."""
    # A block that is empty here and filled there is shown by the leaves that fill it.
    filled = {path[:length] for path in base for length in range(len(path))}
    return {
        dotted(path): _shown(path, value)
        for path, value in tree.items()
        if path not in base and path not in filled
    }


def _differ(left: JsonValue, right: JsonValue) -> bool:
    # As in the digest: true is not 1, but 1.0 is.
    return canonical_json(left) != canonical_json(right)


def _shown(path: KeyPath, value: JsonValue) -> JsonValue:
    return MASK if looks_like_secret(path, value) else freeze(redact_value(value))


def _json_text(value: JsonValue) -> str:
    return json.dumps(value, ensure_ascii=False)

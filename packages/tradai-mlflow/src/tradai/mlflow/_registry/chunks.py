"""Long texts as tags: pieces that every server takes whole, with their number and digest."""

import hashlib
from collections.abc import Mapping
from typing import Final

from tradai.core.exceptions import ValidationError
from tradai.mlflow._registry.errors import ModelIntegrityError

# A server of version 2 takes 5,000 characters for a tag of a model version.
CHUNK_LENGTH: Final = 4_500
_MOST_CHUNKS: Final = 1_000
_MOST_LENGTH: Final = CHUNK_LENGTH * _MOST_CHUNKS


def to_chunks(name: str, text: str) -> dict[str, str]:
    """Return `text` as tags that begin with `name`.

    >>> tags = to_chunks("note", "abc")
    >>> tags["note.000"], tags["note.chunks"]
    ('abc', '1')

    Raises:
        ValidationError: The text is too long for a registry.
    """
    if len(text) > _MOST_LENGTH:
        expected = f"at most {_MOST_LENGTH:,} characters"
        message = f"{name} has {len(text):,} characters, too many for tags: expected {expected}"
        raise ValidationError(message, field=name, expected=expected)
    starts = range(0, len(text), CHUNK_LENGTH)
    pieces = {
        _tag(name, index): text[start : start + CHUNK_LENGTH] for index, start in enumerate(starts)
    }
    return pieces | {f"{name}.chunks": str(len(pieces)), f"{name}.sha256": _sha256(text)}


def from_chunks(name: str, tags: Mapping[str, str], *, place: str) -> str:
    """Return the text that `to_chunks` cut.

    Args:
        name: Beginning of the names of the tags.
        tags: Tags, with others among them.
        place: Name of the version in messages.

    Raises:
        ModelIntegrityError: A tag is missing or changed.
    """
    count = _count(name, tags, place)
    names = [_tag(name, index) for index in range(count)]
    missing = [tag for tag in names if tag not in tags]
    if missing:
        raise _damage(place, f"its tag {missing[0]} is missing")
    text = "".join(tags[tag] for tag in names)
    if _sha256(text) != tags.get(f"{name}.sha256"):
        raise _damage(place, f"the text in its tags {name}.* has another digest than {name}.sha256")
    return text


def _count(name: str, tags: Mapping[str, str], place: str) -> int:
    tag = f"{name}.chunks"
    if tag not in tags:
        raise _damage(place, f"it has no tag {tag}")
    count = tags[tag]
    is_number = count.isascii() and count.isdigit() and len(count) <= len(str(_MOST_CHUNKS))
    if not is_number or int(count) > _MOST_CHUNKS:
        raise _damage(place, f"its tag {tag} is not a number of pieces")
    return int(count)


def _tag(name: str, index: int) -> str:
    return f"{name}.{index:03}"


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _damage(place: str, problem: str) -> ModelIntegrityError:
    return ModelIntegrityError(f"{place} cannot be used: {problem}; register the version again")

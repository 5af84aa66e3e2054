"""Find text in every form that JSON, Python, URLs, XML and base64 give it, one inside the other."""

import base64
import re
from collections.abc import Iterator
from functools import lru_cache
from html.entities import codepoint2name
from typing import Final, final

# Shorter ones would be found in words.
_SHORTEST_ENCODED: Final = 6
# No encoding of this module escapes these.
_WORD: Final = re.compile("[A-Za-z0-9._-]+")
# A pattern is compiled character by character, and a text may have 65,536: the rest is compared.
_MOST_COMPILED: Final = 50
_PIECE: Final = re.compile(r"[A-Za-z0-9._-]{1,64}|\\+|(?s:.)")
_SHORT_ESCAPES: Final = {"\n": "n", "\r": "r", "\t": "t", "\f": "f", "\b": "b"}
_BACKSLASH: Final = "\\"
_BYTE: Final = 0xFF


def longest_word(text: str) -> str:
    """Return the longest run of characters that no form of text but base64 changes."""
    return max(_WORD.findall(text), key=len, default="")


def base64_forms(text: str) -> frozenset[str]:
    """Return the parts of base64 that do not depend on what stands around `text`."""
    raw = text.encode("utf-8", "surrogatepass")
    return frozenset(form for form in _in_base64(raw) if len(form) >= _SHORTEST_ENCODED)


@final
class EncodedText:
    r"""A text to be found as it is, escaped, percent-encoded, with entities of XML, in base64.

    Letters and digits of ASCII, dot, dash and underscore stand as they are in each form. Any other
    character may follow backslashes, as in the `repr` of JSON; may be ``\x``, ``\u`` or its short
    escape; or is percent-encoded, or an entity of HTML or XML, whichever characters the encoder
    leaves out, also twice.
    """

    def __init__(self, text: str) -> None:
        """Compile the beginnings of all forms."""
        forms = [_PIECE.findall(form) for form in (text, *sorted(base64_forms(text)))]
        heads = ("".join(map(_escaped, pieces[:_MOST_COMPILED])) for pieces in forms)
        self._heads = re.compile("|".join(f"({head})" for head in heads))
        self._rests = [pieces[_MOST_COMPILED:] for pieces in forms]

    def is_in(self, text: str) -> bool:
        """Tell whether `text` has any of the forms."""
        return any(self._end(head) >= 0 for head in self._heads.finditer(text))

    def replace(self, text: str, mask: str) -> str:
        """Return `text` with `mask` in place of each of the forms."""
        kept, at = [], 0
        for head in self._heads.finditer(text):
            if head.start() >= at and (end := self._end(head)) >= 0:
                kept.append(text[at : head.start()])
                at = end
        return mask.join([*kept, text[at:]])

    def _end(self, head: re.Match[str]) -> int:
        """Return the end of the form that begins with `head`; -1 when it is another text."""
        at = head.end()
        for piece in self._rests[(head.lastindex or 1) - 1]:
            found = _compiled(piece).match(head.string, at)
            if found is None:
                return -1
            at = found.end()
        return at


@lru_cache(1024)
def _compiled(piece: str) -> re.Pattern[str]:
    return re.compile(_escaped(piece))


@lru_cache(1024)
def _escaped(piece: str) -> str:
    if _WORD.match(piece):
        return re.escape(piece)
    if piece.startswith(_BACKSLASH):
        code = r"%(?:25)*5C|\\+(?:x|u00)5C|&(?:amp;)*#(?:0*92|x0*5C);"
        codes = rf"(?:{code}){{{len(piece)}}}"
        return rf"(?:\\{{{len(piece)},}}|(?i:{codes}))"
    forms = [rf"\\*{re.escape(piece)}", rf"(?i:{'|'.join(_codes(piece))})"]
    if piece in _SHORT_ESCAPES:
        forms.append(rf"\\+{_SHORT_ESCAPES[piece]}")
    if piece == " ":
        forms.append(r"\+")
    return f"(?:{'|'.join(forms)})"


def _codes(character: str) -> Iterator[str]:
    code = ord(character)
    units = character.encode("utf-16-be", "surrogatepass").hex()
    octets = [f"{octet:02x}" for octet in character.encode("utf-8", "surrogatepass")]
    yield "".join(rf"\\+u{units[start : start + 4]}" for start in range(0, len(units), 4))
    yield "".join(rf"\\+x{octet}" for octet in octets)
    yield "".join(f"%(?:25)*{octet}" for octet in octets)
    yield rf"\\+U{code:08x}" if code > _BYTE else rf"\\+x{code:02x}"
    name = "apos" if character == "'" else codepoint2name.get(code, f"#{code}")
    yield rf"\\*&(?:amp;)*(?:{name}|#0*{code}|#x0*{code:x});"


def _in_base64(raw: bytes) -> Iterator[str]:
    for before in range(3):
        first, end = -(-before * 8 // 6), (before + len(raw)) * 8 // 6
        padded = bytes(before) + raw
        yield base64.b64encode(padded).decode()[first:end]
        yield base64.urlsafe_b64encode(padded).decode()[first:end]

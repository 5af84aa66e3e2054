"""Whether a value that came back is the one that went in, types and bits included."""

import datetime as dt
import math
import struct
from collections.abc import Mapping, Sequence, Set as AbstractSet
from decimal import Decimal
from typing import Any

from tradai.cache._codecs.secret_scan import attributes

__all__ = ["same"]


# By type: each case says itself which types its two values have.
def same(one: Any, other: Any) -> bool:  # noqa: ANN401
    """Tell whether nothing but identity tells the two apart; any NaN is like any other."""
    if type(one) is not type(other):
        return False
    if one is other:
        return True
    if isinstance(one, float):
        bits = struct.pack("d", one) == struct.pack("d", other)
        return bits or (math.isnan(one) and math.isnan(other))
    if isinstance(one, Decimal):
        return str(one) == str(other)
    if isinstance(one, dt.datetime | dt.time):
        return _same_clocks(one, other)
    return _same_parts(one, other) and _same_lists(attributes(one), attributes(other))


def _same_clocks(one: Any, other: Any) -> bool:  # noqa: ANN401
    bare = one.replace(tzinfo=None, fold=0) == other.replace(tzinfo=None, fold=0)
    return bare and one.fold == other.fold and same(one.tzinfo, other.tzinfo)


def _same_parts(one: Any, other: Any) -> bool:  # noqa: ANN401
    if isinstance(one, Mapping):
        return _same_lists([*one.keys(), *one.values()], [*other.keys(), *other.values()])
    if isinstance(one, AbstractSet):
        found = {item: item for item in other}
        return len(one) == len(other) and all(
            item in found and same(item, found[item]) for item in one
        )
    if isinstance(one, Sequence) and not isinstance(one, str | bytes):
        return _same_lists(one, other)
    # Records are told apart by what is in them, all others by what they say themselves.
    return bool(attributes(one)) or bool(one == other)


def _same_lists(one: Any, other: Any) -> bool:  # noqa: ANN401
    return len(one) == len(other) and all(map(same, one, other))

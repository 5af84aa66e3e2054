"""Whether a value that came back is the one that went in, types and bits included."""

import datetime as dt
import math
import struct
from collections.abc import Mapping, Sequence, Set as AbstractSet
from decimal import Decimal
from typing import Any

from tradai.cache._codecs.secret_scan import attribute_values

__all__ = ["is_identical"]


# By type: each case says itself which types its two values have.
def is_identical(left: Any, right: Any) -> bool:  # noqa: ANN401
    """Tell whether nothing but identity tells the two apart; any NaN is like any other."""
    if type(left) is not type(right):
        return False
    if left is right:
        return True
    if isinstance(left, float):
        bits = struct.pack("d", left) == struct.pack("d", right)
        return bits or (math.isnan(left) and math.isnan(right))
    if isinstance(left, Decimal):
        return str(left) == str(right)
    if isinstance(left, dt.datetime | dt.time):
        return _is_identical_time(left, right)
    return _has_identical_parts(left, right) and _is_identical_list(
        attribute_values(left), attribute_values(right)
    )


def _is_identical_time(left: Any, right: Any) -> bool:  # noqa: ANN401
    bare = left.replace(tzinfo=None, fold=0) == right.replace(tzinfo=None, fold=0)
    return bare and left.fold == right.fold and is_identical(left.tzinfo, right.tzinfo)


def _has_identical_parts(left: Any, right: Any) -> bool:  # noqa: ANN401
    if isinstance(left, Mapping):
        return _is_identical_list([*left.keys(), *left.values()], [*right.keys(), *right.values()])
    if isinstance(left, AbstractSet):
        found = {item: item for item in right}
        return len(left) == len(right) and all(
            item in found and is_identical(item, found[item]) for item in left
        )
    if isinstance(left, Sequence) and not isinstance(left, str | bytes):
        return _is_identical_list(left, right)
    # Records are told apart by what is in them, all others by what they say themselves.
    return bool(attribute_values(left)) or bool(left == right)


def _is_identical_list(left: Any, right: Any) -> bool:  # noqa: ANN401
    return len(left) == len(right) and all(map(is_identical, left, right))

"""Scalars that JSON lacks, each encoded under its own tag."""

import re
from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from typing import Any, Final, cast
from uuid import UUID
from zoneinfo import ZoneInfo

_ZONE: Final = re.compile(r"[A-Za-z0-9_+-]+(?:/[A-Za-z0-9_+-]+)*", re.ASCII)
_MICROSECOND: Final = timedelta(microseconds=1)


def encode_zone(zone: tzinfo | None) -> object:
    """Return a time zone as JSON.

    Raises:
        TypeError: `zone` is not UTC, a fixed offset or a `ZoneInfo` with a name.
    """
    if zone is None:
        return None
    if type(zone) is timezone:
        # The offset, and the name if there is one; no public attribute separates the two.
        offset, *name = zone.__getinitargs__()  # type: ignore[attr-defined]
        return [offset // _MICROSECOND, *name]
    if type(zone) is ZoneInfo and zone.key and _ZONE.fullmatch(zone.key):
        return zone.key
    name = f"{type(zone).__module__}.{type(zone).__qualname__}"
    message = f"a time zone of type {name} cannot be shared: expected UTC or zoneinfo.ZoneInfo"
    raise TypeError(message)


def decode_zone(encoded: object) -> tzinfo | None:
    """Return the time zone that `encode_zone` encoded."""
    if encoded is None:
        return None
    if isinstance(encoded, str):
        if not _ZONE.fullmatch(encoded):
            raise ValueError
        return ZoneInfo(encoded)
    offset, *name = cast("list[Any]", encoded)
    return timezone(offset * _MICROSECOND, *name)


def _encode_clock(at: datetime | time) -> list[object]:
    """Return a datetime or a time as JSON; its ISO text lacks the zone's name and the fold."""
    return [at.replace(tzinfo=None, fold=0).isoformat(), encode_zone(at.tzinfo), at.fold]


def _decode_clock(cls: type[datetime | time], encoded: Any) -> object:  # noqa: ANN401
    text, zone, fold = encoded
    return cls.fromisoformat(text).replace(tzinfo=decode_zone(zone), fold=fold)


ENCODERS: Final[dict[type, tuple[str, Callable[[Any], object]]]] = {
    str: ("~str", lambda text: text.encode("utf-8", "surrogatepass").hex()),
    int: ("~int", hex),
    bytes: ("~bytes", lambda data: b64encode(data).decode()),
    Decimal: ("~decimal", str),
    UUID: ("~uuid", str),
    datetime: ("~datetime", _encode_clock),
    date: ("~date", date.isoformat),
    time: ("~time", _encode_clock),
    timedelta: ("~timedelta", lambda span: [span.days, span.seconds, span.microseconds]),
}

DECODERS: Final[dict[str, Callable[[Any], object]]] = {
    "~str": lambda encoded: bytes.fromhex(encoded).decode("utf-8", "surrogatepass"),
    "~int": lambda encoded: int(encoded, 16),
    "~bytes": lambda encoded: b64decode(encoded, validate=True),
    "~decimal": Decimal,
    "~uuid": UUID,
    "~datetime": lambda encoded: _decode_clock(datetime, encoded),
    "~date": date.fromisoformat,
    "~time": lambda encoded: _decode_clock(time, encoded),
    "~timedelta": lambda encoded: timedelta(*encoded),
    "~tuple": tuple,
    "~set": set,
    "~frozenset": frozenset,
    "~dict": dict,
}

"""How plain values that JSON lacks are spelled in it, each under its own tag."""

import re
from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from typing import Any, Final, cast
from uuid import UUID
from zoneinfo import ZoneInfo

__all__ = ["READERS", "SPELLINGS", "spelled_zone", "zone_of"]

_ZONE: Final = re.compile(r"[A-Za-z0-9_+-]+(?:/[A-Za-z0-9_+-]+)*", re.ASCII)
_MICROSECOND: Final = timedelta(microseconds=1)


def spelled_zone(zone: tzinfo | None) -> object:
    """Return a time zone as JSON.

    Raises:
        TypeError: It is neither UTC, nor a fixed offset, nor a `ZoneInfo` with a name.
    """
    if zone is None:
        return None
    if type(zone) is timezone:
        # The offset, and the name if there is one; nothing public tells the two apart.
        offset, *name = zone.__getinitargs__()  # type: ignore[attr-defined]
        return [offset // _MICROSECOND, *name]
    if type(zone) is ZoneInfo and zone.key and _ZONE.fullmatch(zone.key):
        return zone.key
    kind = f"{type(zone).__module__}.{type(zone).__qualname__}"
    message = f"a time zone of type {kind} cannot be shared: expected UTC or zoneinfo.ZoneInfo"
    raise TypeError(message)


def zone_of(spelled: object) -> tzinfo | None:
    """Return the time zone that `spelled_zone` was given."""
    if spelled is None:
        return None
    if isinstance(spelled, str):
        if not _ZONE.fullmatch(spelled):
            raise ValueError
        return ZoneInfo(spelled)
    offset, *name = cast("list[Any]", spelled)
    return timezone(offset * _MICROSECOND, *name)


def _spelled_clock(at: datetime | time) -> list[object]:
    """Return a datetime or a time; their ISO text knows neither the zone's name nor the fold."""
    return [at.replace(tzinfo=None, fold=0).isoformat(), spelled_zone(at.tzinfo), at.fold]


def _clock_of(kind: type[datetime | time], spelled: Any) -> object:  # noqa: ANN401
    text, zone, fold = spelled
    return kind.fromisoformat(text).replace(tzinfo=zone_of(zone), fold=fold)


SPELLINGS: Final[dict[type, tuple[str, Callable[[Any], object]]]] = {
    str: ("~str", lambda text: text.encode("utf-8", "surrogatepass").hex()),
    int: ("~int", hex),
    bytes: ("~bytes", lambda data: b64encode(data).decode()),
    Decimal: ("~decimal", str),
    UUID: ("~uuid", str),
    datetime: ("~datetime", _spelled_clock),
    date: ("~date", date.isoformat),
    time: ("~time", _spelled_clock),
    timedelta: ("~timedelta", lambda span: [span.days, span.seconds, span.microseconds]),
}

READERS: Final[dict[str, Callable[[Any], object]]] = {
    "~str": lambda spelled: bytes.fromhex(spelled).decode("utf-8", "surrogatepass"),
    "~int": lambda spelled: int(spelled, 16),
    "~bytes": lambda spelled: b64decode(spelled, validate=True),
    "~decimal": Decimal,
    "~uuid": UUID,
    "~datetime": lambda spelled: _clock_of(datetime, spelled),
    "~date": date.fromisoformat,
    "~time": lambda spelled: _clock_of(time, spelled),
    "~timedelta": lambda spelled: timedelta(*spelled),
    "~tuple": tuple,
    "~set": set,
    "~frozenset": frozenset,
    "~dict": dict,
}

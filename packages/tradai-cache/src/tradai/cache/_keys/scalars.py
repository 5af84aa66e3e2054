"""Plain values in a digest: a tag of the type, a length, the content."""

import sys
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from struct import pack
from types import NoneType
from typing import Any, Final, TypeAlias
from uuid import UUID
from zoneinfo import ZoneInfo

Write: TypeAlias = Callable[[bytes | memoryview], object]

_EXPECTED: Final = (
    "None, a bool, number, text, bytes, Decimal, Enum, date, time, UUID, path or class; a tuple, "
    "list, dict, set or range of them; a dataclass, a pydantic model, a frame or an array; or an "
    "object with __cache_key__()"
)


def write_tagged(write: Write, tag: bytes, content: bytes | memoryview) -> None:
    """Write a tag, the length of the content, and the content."""
    write(b"%s%d:" % (tag, len(content)))
    write(content)


def not_keyable(cls: type, reason: str = "") -> TypeError:
    """Return the error for a value of class `cls`; the value itself is never shown."""
    detail = f": {reason}" if reason else ""
    message = f"a {cls.__qualname__} cannot be part of a key{detail}; expected {_EXPECTED}"
    return TypeError(message)


def class_name(cls: type) -> bytes:
    """Return the name of a class, the same in every process.

    Raises:
        TypeError: Its module does not have it under its name, as `pickle` demands, too: other
            classes may have the same name.
    """
    generic: dict[str, Any] = getattr(cls, "__pydantic_generic_metadata__", {})
    if generic.get("origin"):
        # A model with parameters, which belongs to no module: its class and the parameters name it.
        return b"%s[%s]" % (
            class_name(generic["origin"]),
            b",".join(map(_argument_name, generic["args"])),
        )
    if cls is not NoneType and _found(cls.__module__, cls.__qualname__) is not cls:
        reason = f"{cls.__module__} has no such class under its name, which others may share"
        raise not_keyable(cls, reason)
    return f"{_exporting_module(cls)}:{cls.__qualname__}".encode()


def _argument_name(argument: object) -> bytes:
    if not isinstance(argument, type):
        raise not_keyable(type(argument), "a model's parameter that is not a class")
    return class_name(argument)


def _exporting_module(cls: type) -> str:
    """Return the module that exports `cls`: a private one may be renamed, and keys are stored."""
    module = module_name(cls.__module__)
    public = module.partition("._")[0]
    return public if _found(public, cls.__qualname__) is cls else module


def _found(module: str, qualname: str) -> object:
    """Return what `module` has under a dotted name; None when there is nothing."""
    found: object = sys.modules.get(module)
    for name in qualname.split("."):
        found = getattr(found, name, None)
    return found


def module_name(name: str) -> str:
    """Return the name of a module; for ``__main__``, which every program has, its real origin."""
    if name not in {"__main__", "__mp_main__"}:
        return name
    main = sys.modules.get(name)
    spec = getattr(main, "__spec__", None)
    return spec.name if spec is not None else f"__main__ of {getattr(main, '__file__', '')}"


def _none(write: Write, _: None) -> None:
    write(b"N")


def _bool(write: Write, value: bool) -> None:  # noqa: FBT001 - the value to write
    write(b"T" if value else b"F")


def _int(write: Write, value: int) -> None:
    write_tagged(write, b"i", b"%x" % value)


def _float(write: Write, value: float) -> None:
    is_nan = value != value  # noqa: PLR0124 - only NaN differs from itself
    write(b"n" if is_nan else b"f" + pack(">d", value))


def _str(write: Write, value: str) -> None:
    write_tagged(write, b"s", value.encode("utf-8", "surrogatepass"))


def _bytes(write: Write, value: bytes) -> None:
    write_tagged(write, b"b", value)


def _decimal(write: Write, value: Decimal) -> None:
    if value.is_nan():
        write(b"o")
        return
    sign, digits, exponent = value.as_tuple()
    write_tagged(write, b"d", f"{sign};{''.join(map(str, digits))};{exponent}".encode())


def _datetime(write: Write, value: datetime) -> None:
    write_tagged(write, b"D", f"{value.replace(tzinfo=None).isoformat()};{value.fold}".encode())
    write_zone(write, value.tzinfo)


def _date(write: Write, value: date) -> None:
    write_tagged(write, b"a", value.isoformat().encode())


def _time(write: Write, value: time) -> None:
    write_tagged(write, b"t", f"{value.replace(tzinfo=None).isoformat()};{value.fold}".encode())
    write_zone(write, value.tzinfo)


def write_zone(write: Write, zone: tzinfo | None) -> None:
    """Write the zone, not its offset: zones with equal offsets today differ tomorrow."""
    if zone is None:
        write(b"N")
    elif type(zone) is timezone:
        _timedelta(write, zone.utcoffset(None))
        _str(write, zone.tzname(None))
    else:
        write_tagged(write, b"z", f"{type(zone).__module__}:{_zone_key(zone)}".encode())


def _zone_key(zone: tzinfo) -> str:
    # `zone` is the name in pytz.
    key = zone.key if isinstance(zone, ZoneInfo) else getattr(zone, "zone", None)
    if not isinstance(key, str):
        raise not_keyable(type(zone), "a time zone without a name")
    return key


def _timedelta(write: Write, value: timedelta) -> None:
    write_tagged(write, b"e", f"{value.days};{value.seconds};{value.microseconds}".encode())


def _uuid(write: Write, value: UUID) -> None:
    write(b"u" + value.bytes)


def _range(write: Write, value: range) -> None:
    write_tagged(write, b"r", f"{value.start};{value.stop};{value.step}".encode())


# By exact type: a subclass may hold more than its base. Each writer takes its own type only.
SCALARS: Final[dict[type, Callable[..., None]]] = {
    type(None): _none,
    bool: _bool,
    int: _int,
    float: _float,
    str: _str,
    bytes: _bytes,
    Decimal: _decimal,
    datetime: _datetime,
    date: _date,
    time: _time,
    timedelta: _timedelta,
    UUID: _uuid,
    range: _range,
}

"""URIs of ArcticDB, which may hold keys: parsed, shown masked, and resolved only on use."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, final

from tradai.core._ports.backends import backend_for
from tradai.core._secrets.secret import Secret
from tradai.core.exceptions import ConfigurationError

_PLACE: Final = re.compile(r"(lmdb://[^?]+|s3s?://[^:/?@]+:[A-Za-z0-9._-]+)(?:\?(.*))?", re.DOTALL)
_REFERENCE: Final = re.compile(r"[a-z][a-z0-9+.-]*:.+")
_KEYS: Final = ("access", "secret")
_OPTIONS: Final = {
    "lmdb": ("map_size",),
    "s3": (
        *("CA_cert_dir", "CA_cert_path", "aws_auth", "aws_profile", "path_prefix", "port"),
        *("region", "ssl", "use_virtual_addressing"),
        *_KEYS,
    ),
}
_OWN_CREDENTIALS: Final = ("default", "sts", "true")
_EXPECTED: Final = (
    "lmdb:///folder?map_size=4GB, or s3s://endpoint:bucket?aws_auth=true, or in place of aws_auth "
    "references to keys: access=env:NAME&secret=env:NAME"
)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ArcticUri:
    """The place where ArcticDB keeps its data, and its options.

    Attributes:
        place: The part before the options.
        options: By name. A key is a reference, or a `Secret` when it was written out.
    """

    place: str
    options: Mapping[str, str | Secret]

    @classmethod
    def parse(cls, uri: str) -> "ArcticUri":
        """Read `uri`; a key that is written out in it is registered as a secret.

        Raises:
            ConfigurationError: It is not an LMDB or S3 URI of ArcticDB. It is not shown.
        """
        match = _PLACE.fullmatch(uri)
        if match is None:
            raise _uri_error("it names no place")
        known = _OPTIONS["lmdb" if uri.startswith("lmdb:") else "s3"]
        pairs = [text.partition("=") for text in re.split("[;&]", match[2] or "") if text]
        if any(not value for _, _, value in pairs) or not {name for name, _, _ in pairs} <= {
            *known
        }:
            raise _uri_error(f"an option is empty or none of {', '.join(known)}")
        options = {name: _wrap_key(name, value) for name, _, value in pairs}
        if known == _OPTIONS["s3"] and not _is_authorised(options):
            raise _uri_error("it says neither aws_auth=true nor both access and secret")
        return cls(place=match[1], options=options)

    def __str__(self) -> str:
        """Return the URI with written-out keys masked; references are shown."""
        options = "&".join(f"{name}={value}" for name, value in self.options.items())
        return f"{self.place}?{options}" if options else self.place

    def __repr__(self) -> str:
        """Show what ``str`` shows."""
        return f"ArcticUri({str(self)!r})"

    def native(self) -> str:
        """Return the URI for ArcticDB, keys included; never show it.

        Raises:
            NotFoundError: A secret does not exist.
            ConfigurationError: A reference is malformed, or others may read the secret.
            ExternalServiceError: The source refused or cannot be reached.
        """
        options = "&".join(f"{name}={_value(name, item)}" for name, item in self.options.items())
        return f"{self.place}?{options}" if options else self.place


def _wrap_key(name: str, value: str) -> str | Secret:
    is_open = name in _KEYS and not _REFERENCE.fullmatch(value)
    return Secret(value) if is_open else value


def _is_authorised(options: Mapping[str, str | Secret]) -> bool:
    return options.get("aws_auth") in _OWN_CREDENTIALS or set(_KEYS) <= options.keys()


def _value(name: str, item: str | Secret) -> str:
    if isinstance(item, Secret):
        return item.reveal()
    return backend_for("tradai.secrets", item).resolve(item).reveal() if name in _KEYS else item


def _uri_error(problem: str) -> ConfigurationError:
    # The URI is not shown: it may hold keys.
    message = f"the URI of ArcticDB is not usable: {problem}; expected {_EXPECTED}"
    return ConfigurationError(message)

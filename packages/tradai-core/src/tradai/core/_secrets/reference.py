"""The name of a secret: what configuration holds in place of the secret itself."""

import re
from importlib.metadata import entry_points
from pathlib import PurePath
from typing import TYPE_CHECKING, Final, Self, final
from urllib.parse import quote

from tradai.core._types.pydantic_schemas import text_schema
from tradai.core.exceptions import ValidationError

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema

__all__ = ["SecretReference"]

_KEY: Final = r"(?:#(?P<key>[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*))?"
_STAGE: Final = r"(?:@(?P<stage>[A-Za-z0-9_+=.-]{1,256}))?"
# Names and stages of AWS Secrets Manager, ARNs included; `@`, which it allows in names, is ours.
# https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html
_GRAMMARS: Final = {
    "env": re.compile(rf"(?P<name>[A-Za-z_][A-Za-z0-9_]*){_KEY}(?P<stage>(?!))?"),
    "file": re.compile(rf"(?P<name>[^#\s\0]+){_KEY}(?P<stage>(?!))?"),
    "aws-sm": re.compile(rf"(?P<name>[A-Za-z0-9/_+=.:-]{{1,2048}}){_KEY}{_STAGE}"),
}
_OTHER: Final = re.compile(rf"(?P<name>[^#@\s\0]+){_KEY}{_STAGE}")
_EXPECTED: Final = (
    "a reference to a secret and never the secret itself: env:NAME, file:/path or "
    "aws-sm:name, with #key for a part of JSON and @stage for a version"
)


@final
class SecretReference(str):
    """Where a secret is kept: ``scheme:name``, then ``#json.key`` and ``@stage`` if needed.

    It is text and may be written down, logged and printed. ``env:NAME`` and ``file:/path`` are
    served by tradai-core, ``aws-sm:name@stage`` by tradai-aws, others by whoever installs an
    entry point ``tradai.secrets``. The key is a dotted path into a secret that is JSON.

    >>> reference = SecretReference("aws-sm:trading/binance#api.key@AWSPREVIOUS")
    >>> reference.scheme, reference.name, reference.key, reference.stage
    ('aws-sm', 'trading/binance', 'api.key', 'AWSPREVIOUS')
    """

    __slots__ = ()

    def __new__(cls, text: str, /) -> Self:
        """Take `text` apart.

        Raises:
            ValidationError: It is no reference. It is not quoted: it may be the secret itself.
        """
        if _match(text) is None:
            # A traceback may show what this frame holds.
            del text
            message = f"a secret reference is not usable: expected {_EXPECTED}"
            raise ValidationError(message, field="reference", expected=_EXPECTED)
        return super().__new__(cls, text)

    @property
    def scheme(self) -> str:
        """What kind of place it is kept in, such as ``env``."""
        return self.partition(":")[0]

    @property
    def name(self) -> str:
        """What it is called there: a variable, a path, a name or an ARN."""
        return self._part("name") or ""

    @property
    def key(self) -> str | None:
        """Dotted path to the part of it that is meant; None for all of it."""
        return self._part("key")

    @property
    def stage(self) -> str | None:
        """Which version of it; None for the current one."""
        return self._part("stage")

    @property
    def whole(self) -> "SecretReference":
        """The reference to the whole secret, its key left out."""
        stage = f"@{self.stage}" if self.stage else ""
        return SecretReference(f"{self.scheme}:{self.name}{stage}")

    def below(self, folder: PurePath) -> "SecretReference":
        """Return the reference with a relative ``file:`` path taken from `folder`."""
        if self.scheme != "file" or PurePath(self.name).is_absolute():
            return self
        key = f"#{self.key}" if self.key else ""
        return SecretReference(f"file:{quote(str(folder))}/{self.name}{key}")

    def _part(self, group: str) -> str | None:
        match = _match(self)
        return match[group] if match else None

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: object, handler: "GetCoreSchemaHandler"
    ) -> "CoreSchema":
        """Run text through the constructor."""
        return text_schema(cls, kind=cls)


def _match(text: str) -> re.Match[str] | None:
    scheme, _, rest = text.partition(":")
    grammar = _GRAMMARS.get(scheme)
    if grammar is None and scheme in entry_points(group="tradai.secrets").names:
        grammar = _OTHER
    return grammar.fullmatch(rest) if grammar else None

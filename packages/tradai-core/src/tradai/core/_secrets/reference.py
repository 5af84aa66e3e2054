"""References to secrets, which configuration holds in place of the secrets themselves."""

from pathlib import PurePath
from typing import TYPE_CHECKING, Final, Self, final
from urllib.parse import quote

from tradai.core._secrets.schemes import is_scheme, reference_grammar
from tradai.core._types.pydantic_schemas import text_schema
from tradai.core.exceptions import ValidationError

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema

_EXPECTED: Final = (
    "a reference to a secret and never the secret itself: env:NAME, file:/path or "
    "aws-sm:name, with #key for a part of JSON and @stage for a version"
)


@final
class SecretReference(str):
    """Reference to a secret: ``scheme:name``, then ``#json.key`` and ``@stage`` if needed.

    It is text and may be written down, logged and printed. ``env:NAME`` and ``file:/path`` are
    served by tradai-core, ``aws-sm:name@stage`` by tradai-aws, others by plugins with an entry
    point ``tradai.secrets``. The key is a dotted path into a secret that is JSON.

    >>> reference = SecretReference("aws-sm:trading/binance#api.key@AWSPREVIOUS")
    >>> reference.scheme, reference.name, reference.key, reference.stage
    ('aws-sm', 'trading/binance', 'api.key', 'AWSPREVIOUS')
    """

    __slots__ = ()

    def __new__(cls, text: str, /) -> Self:
        """Check `text`.

        Raises:
            ValidationError: `text` is not a reference. It is not quoted: it may be the secret.
        """
        scheme, _, rest = text.partition(":")
        if not (is_scheme(scheme) and reference_grammar(scheme).fullmatch(rest)):
            # A traceback may show what this frame holds.
            del text, scheme, rest
            message = f"a secret reference is not usable: expected {_EXPECTED}"
            raise ValidationError(message, field="reference", expected=_EXPECTED)
        return super().__new__(cls, text)

    @property
    def scheme(self) -> str:
        """Scheme of the source that has the secret, such as ``env``."""
        return self.partition(":")[0]

    @property
    def name(self) -> str:
        """Name of the secret in its source: a variable, a path, a name or an ARN."""
        return self._part("name") or ""

    @property
    def key(self) -> str | None:
        """Dotted path to a part of the secret; None for all of it."""
        return self._part("key")

    @property
    def stage(self) -> str | None:
        """Version of the secret; None for the current one."""
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
        scheme, _, rest = self.partition(":")
        match = reference_grammar(scheme).fullmatch(rest)
        return match and match[group]

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: object, handler: "GetCoreSchemaHandler"
    ) -> "CoreSchema":
        """Run text through the constructor."""
        return text_schema(cls, kind=cls)

"""`LivePlan`: what a live session would trade, by digests, and the text that confirms it."""

from typing import Annotated, Final, TypeAlias, final

from pydantic import AfterValidator, BaseModel, ConfigDict

from tradai.core._approvals.refusals import ApprovalRefusal, refusal
from tradai.core._documents.canonical import digest
from tradai.core._types.symbols import SHA256, STRATEGY_NAME, Version
from tradai.core.exceptions import ValidationError

_LONGEST: Final = 200
_SHOWN_DIGITS: Final = 8


def _require_line(text: str) -> str:
    if text.isprintable() and text.strip() == text and 0 < len(text) <= _LONGEST:
        return text
    expected = f"1 to {_LONGEST} printable characters, with no space at either end"
    raise ValidationError(f"a text is not usable: expected {expected}", expected=expected)


Line: TypeAlias = Annotated[str, AfterValidator(_require_line)]
Sha256: TypeAlias = Annotated[str, SHA256]


@final
class LivePlan(BaseModel):
    """Everything that decides what a live session does, by name and by SHA-256.

    None means that the session has no such thing, and differs from every value. Nothing has a
    default: a plan that says nothing about a part would approve any of it.

    Attributes:
        strategy: Name of the strategy: letters, digits, ``.``, ``_`` and ``-``.
        version: Its version.
        config: Digest of the strategy configuration.
        source: Digest of its source.
        side_files: Digest of the files beside it that it reads.
        models: Digest of its model artifacts.
        run: Digest of what the engine will be given: settings, arguments, the exchange's address.
        engine: Name and version of the engine, such as ``freqtrade 2025.10``.
        image: Digest of the container image.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    strategy: Annotated[str, STRATEGY_NAME]
    version: Version
    config: Sha256
    source: Sha256
    side_files: Sha256 | None
    models: Sha256 | None
    run: Sha256
    engine: Line
    image: Line | None

    @property
    def digest(self) -> str:
        """SHA-256 of the plan's canonical JSON."""
        return digest(self.model_dump(mode="json"))

    @property
    def confirmation(self) -> str:
        """Text that an operator confirms it with: ``name@version:`` and eight digits."""
        return f"{self.strategy}@{self.version}:{self.digest[:_SHOWN_DIGITS]}"

    def differences(self, other: "LivePlan") -> tuple[str, ...]:
        """Return the names of the fields in which `other` is different."""
        return tuple(name for name, value in self if value != getattr(other, name))

    def check_confirmation(self, text: str | None) -> None:
        """Refuse a `text`, the value of ``TRADAI_LIVE_CONFIRM``, that is not the confirmation.

        Raises:
            ApprovalError: The text is absent or differs, by as much as a space. It is not shown.
        """
        if text == self.confirmation:
            return
        if not text:
            raise refusal(ApprovalRefusal.UNCONFIRMED, what=self.strategy)
        name, _, rest = text.partition("@")
        version, _, digits = rest.partition(":")
        given = {"name": name, "version": version, "digest": digits}
        expected = (self.strategy, self.version, self.digest[:_SHOWN_DIGITS])
        pairs = zip(given.items(), expected, strict=True)
        differences = [part for (part, value), wanted in pairs if value != wanted]
        raise refusal(ApprovalRefusal.UNCONFIRMED, what=self.strategy, differences=differences)

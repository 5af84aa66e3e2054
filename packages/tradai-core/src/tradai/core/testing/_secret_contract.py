"""Conformance suite of secret sources."""

import json
import pickle

import pytest

from tradai.core._ports.protocols import SecretSource
from tradai.core._secrets.redaction import redact
from tradai.core.exceptions import ConfigurationError, NotFoundError, TradAIError


class SecretSourceContract:
    """Suite for a `SecretSource`.

    Fixtures to define: ``source``, the source under test; ``known``, a reference and the value
    behind it, which should be made up for the test; ``missing`` and ``empty``, references to
    nothing and to an empty value.
    """

    def test_a_reference_gives_its_value(
        self, source: SecretSource, known: tuple[str, str]
    ) -> None:
        reference, value = known

        assert source.resolve(reference).reveal() == value

    def test_a_secret_never_shows_itself(
        self, source: SecretSource, known: tuple[str, str]
    ) -> None:
        secret = source.resolve(known[0])

        shown = f"{secret} {secret!r} {secret!s:>40} {json.dumps([secret], default=str)}"

        assert known[1] not in shown
        with pytest.raises(TypeError):
            pickle.dumps(secret)

    def test_a_resolved_value_is_masked_from_then_on(
        self, source: SecretSource, known: tuple[str, str]
    ) -> None:
        source.resolve(known[0])

        assert known[1] not in redact(f"login with {known[1]} failed")

    def test_a_missing_secret_is_not_found(self, source: SecretSource, missing: str) -> None:
        with pytest.raises(NotFoundError) as caught:
            source.resolve(missing)

        assert missing.partition(":")[2] in str(caught.value)

    def test_an_empty_secret_is_refused(self, source: SecretSource, empty: str) -> None:
        with pytest.raises(ConfigurationError):
            source.resolve(empty)

    def test_a_value_in_place_of_its_reference_is_refused_and_not_shown(
        self, source: SecretSource, known: tuple[str, str]
    ) -> None:
        with pytest.raises(TradAIError) as caught:
            source.resolve(known[1])

        assert known[1] not in f"{caught.value!r} {vars(caught.value)}"

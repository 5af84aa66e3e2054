"""Secret references in settings classes are resolved one by one; failures are kept as errors."""

from pydantic_settings import SettingsConfigDict

from tradai.core import BaseSettings, Secret, SecretReference, check_references
from tradai.core.exceptions import ConfigurationError, NotFoundError


class TradeSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="TRADAI_TRADE_")

    exchange: SecretReference
    bot: SecretReference = SecretReference("env:FAKE_BOT")


class AlertSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="TRADAI_ALERT_")

    token: SecretReference


class FakeSource:
    def __init__(self, values: dict[str, str]) -> None:
        self._values = values

    def resolve(self, reference: str) -> Secret:
        if reference not in self._values:
            message = f"there is no secret {reference}; the others are {sorted(self._values)}"
            raise NotFoundError(message, kind="secret", key=reference)
        return Secret(self._values[reference])


def test_every_reference_of_every_class_is_checked_with_its_variable() -> None:
    source = FakeSource({"env:A": "fake-value-a", "env:FAKE_BOT": "fake-value-b"})
    environ = {"TRADAI_TRADE_EXCHANGE": "env:A", "TRADAI_ALERT_TOKEN": "env:ABSENT"}

    checks = list(
        check_references([TradeSettings, AlertSettings], environ, sources={"env": source})
    )

    assert [(one.variable, one.reference, type(one.error)) for one in checks] == [
        ("TRADAI_TRADE_EXCHANGE", "env:A", type(None)),
        ("TRADAI_TRADE_BOT", "env:FAKE_BOT", type(None)),
        ("TRADAI_ALERT_TOKEN", "env:ABSENT", NotFoundError),
    ]
    assert [one.problem for one in checks[:2]] == ["", ""]
    assert checks[2].problem.startswith("TRADAI_ALERT_TOKEN: there is no secret env:ABSENT")
    assert "fake-value" not in repr(checks)


def test_another_scheme_is_resolved_by_its_installed_source() -> None:
    environ = {"TRADAI_ALERT_TOKEN": "file:/no/such/secret"}

    (check,) = check_references([AlertSettings], environ, sources={"env": FakeSource({})})

    assert isinstance(check.error, NotFoundError)
    assert "/no/such/secret" in check.problem


def test_a_part_that_cannot_be_read_is_a_problem_without_its_value() -> None:
    source = FakeSource({"env:A": "fake-value-a"})

    (check,) = check_references(
        [AlertSettings], {"TRADAI_ALERT_TOKEN": "env:A#key"}, sources={"env": source}
    )

    assert isinstance(check.error, ConfigurationError)
    assert "fake-value" not in check.problem


def test_a_secret_in_the_text_of_an_error_is_masked_in_the_problem() -> None:
    class Quoting:
        def resolve(self, reference: str) -> Secret:
            Secret("fake-and-quoted-value").reveal()
            message = f"{reference} is not fake-and-quoted-value"
            raise ConfigurationError(message, source=reference)

    (check,) = check_references(
        [AlertSettings], {"TRADAI_ALERT_TOKEN": "env:A"}, sources={"env": Quoting()}
    )

    assert "fake-and-quoted-value" not in check.problem
    assert "TRADAI_ALERT_TOKEN: env:A is not" in check.problem

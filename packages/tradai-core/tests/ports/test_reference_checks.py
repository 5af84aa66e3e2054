import pytest

from tradai.core import SecretReference, check_references
from tradai.core.exceptions import NotFoundError
from tradai.core.testing import ScriptedSecrets

FAKE = "planted-fake-value-8"


def test_each_reference_is_checked_and_named_by_its_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FAKE_PRESENT", FAKE)
    references = [
        ("TRADAI_A", SecretReference("env:FAKE_PRESENT")),
        ("TRADAI_B", SecretReference("env:FAKE_ABSENT")),
    ]

    present, absent = check_references(references)

    assert present.error is None
    assert present.problem == ""
    assert isinstance(absent.error, NotFoundError)
    assert absent.problem.startswith("TRADAI_B: there is no secret env:FAKE_ABSENT")


def test_a_source_is_asked_only_for_references_of_its_scheme(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FAKE_PRESENT", FAKE)
    source = ScriptedSecrets({"aws-sm:a": FAKE})
    references = [
        ("TRADAI_A", SecretReference("aws-sm:a")),
        ("TRADAI_B", SecretReference("env:FAKE_PRESENT")),
    ]

    checks = list(check_references(references, sources={"aws-sm": source}))

    assert [check.error for check in checks] == [None, None]
    assert source.asked == ["aws-sm:a"]


def test_an_outcome_keeps_no_value() -> None:
    source = ScriptedSecrets({"aws-sm:a": f"not JSON but {FAKE}"})

    (check,) = check_references(
        [("TRADAI_A", SecretReference("aws-sm:a#key"))], sources={"aws-sm": source}
    )

    assert check.error is not None
    assert check.error.__traceback__ is None
    assert FAKE not in f"{check!r} {check.problem}"

import json

import pytest

from tradai.core import Secret, SecretReference, http_problem, resolve_secret
from tradai.core.exceptions import (
    ConfigurationError,
    ConflictError,
    ExternalServiceError,
    NotFoundError,
    StorageError,
    TradAIError,
    TradingError,
    ValidationError,
)


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (ValidationError("bad"), 422, "validation"),
        (NotFoundError("gone", kind="run", key="r1"), 404, "not_found"),
        (ConflictError("late", operation="put"), 409, "conflict"),
        (TradingError("stop"), 409, "trading"),
        (ExternalServiceError("down", service="s3", operation="get"), 502, "external_service"),
        (StorageError("full", operation="write", retryable=True), 503, "storage"),
        (ConfigurationError("no region"), 500, "configuration"),
        (TradAIError("other"), 500, "tradai"),
        (ZeroDivisionError("1/0"), 500, "internal"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_each_kind_of_error_has_its_status_and_its_type(
    error: Exception, status: int, code: str
) -> None:
    problem = http_problem(error)

    assert problem.media_type == "application/problem+json"
    assert problem.status == problem.document["status"] == status
    assert problem.document["type"] == f"urn:tradai:error:{code}"
    assert problem.document["code"] == code
    assert problem.document["title"]
    assert problem.document["retryable"] is (status == 503)


def test_a_client_error_is_described_with_its_facts() -> None:
    error = NotFoundError("there is no run 'r1'; list the runs", kind="run", key="r1")

    document = http_problem(error, instance="urn:request:7").document

    assert document["detail"] == "there is no run 'r1'; list the runs"
    assert (document["kind"], document["key"]) == ("run", "r1")
    assert document["instance"] == "urn:request:7"


@pytest.mark.parametrize("reference", ["env:DB_LOGIN", "file:/run/absent/login", "env:JSON#key"])
def test_a_secret_that_is_missing_is_not_the_fault_of_the_client(
    monkeypatch: pytest.MonkeyPatch, reference: str
) -> None:
    monkeypatch.setenv("JSON", "{}")
    with pytest.raises(NotFoundError) as caught:
        resolve_secret(SecretReference(reference))

    problem = http_problem(caught.value)

    assert (caught.value.kind, caught.value.key) == ("secret", reference)
    assert (problem.status, problem.document["code"]) == (500, "not_found")
    assert not {"detail", "key", "kind"} & set(problem.document)


def test_an_error_of_the_service_itself_shows_its_kind_only() -> None:
    errors = [
        ConfigurationError("set DB_HOST", key="DB_HOST", source="/etc/service.yaml"),
        ExternalServiceError("no route to db.internal", service="db", operation="query"),
        RuntimeError("db.internal"),
    ]

    shown = json.dumps([dict(http_problem(error).document) for error in errors])

    assert "db.internal" not in shown
    assert "DB_HOST" not in shown
    assert "detail" not in shown


def test_secrets_are_masked() -> None:
    secret = Secret("obviously-fake-value-1")
    error = ValidationError(
        f"{secret.reveal()} is no key", field="key", expected=f"not {secret.reveal()}"
    )

    shown = json.dumps(dict(http_problem(error, instance=f"/x?y={secret.reveal()}").document))

    assert "obviously-fake-value-1" not in shown
    assert shown.count("***") == 3

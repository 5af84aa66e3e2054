"""Overrides: measured before the call, without a value of a secret, spilled on request."""

import hashlib
import json
from dataclasses import replace
from typing import Any, TypeAlias

import botocore.session
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.validate import ParamValidator
from hypothesis import example, given, strategies as st

from tradai.aws import AwsSettings, client_for
from tradai.aws._ecs.overrides import (
    MOST_CHARACTERS,
    check_size,
    foreign_overrides_of,
    overrides_of,
    spill,
    value_from,
)
from tradai.core import JobSpec, MemoryStore, SecretReference
from tradai.core.exceptions import ValidationError

# Fields of a specification have their own types.
Value: TypeAlias = Any

SPEC = JobSpec(
    job_id="job-1", command=("tradai-entrypoint", "run", "s3://b/c.yaml"), trace_id="t-1"
)
KEY = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:trading/key-AbCdEf"


def _container(overrides: dict[str, Any]) -> dict[str, Any]:
    (container,) = overrides["containerOverrides"]
    assert isinstance(container, dict)
    return container


def _variables(overrides: dict[str, Any]) -> dict[str, str]:
    return {item["name"]: item["value"] for item in _container(overrides)["environment"]}


def _spec(**changes: Value) -> JobSpec:
    return replace(SPEC, **changes)


def test_a_task_gets_the_command_and_all_variables() -> None:
    spec = _spec(environment={"B": "2", "A": ""})

    overrides = overrides_of(spec, runner={"TRADAI_RUN_STORE": "s3://bucket/runs/"})

    assert _container(overrides)["command"] == list(SPEC.command)
    assert _variables(overrides) == {
        "A": "",
        "B": "2",
        "TRADAI_RUN_STORE": "s3://bucket/runs/",
        "TRADAI_RUN_TRACE_ID": "t-1",
    }


def test_the_request_is_one_that_the_model_of_aws_accepts() -> None:
    model = botocore.session.get_session().get_service_model("ecs")
    shape = model.shape_for("TaskOverride")

    report = ParamValidator().validate(overrides_of(_spec(environment={"A": "1"})), shape)

    assert not report.has_errors(), report.generate_report()


def test_a_task_gets_references_to_secrets() -> None:
    overrides = overrides_of(_spec(secrets={"API_KEY": SecretReference("aws-sm:desk/key#api.key")}))

    references = json.loads(_variables(overrides)["TRADAI_SECRET_REFERENCES"])
    assert references == {"API_KEY": "aws-sm:desk/key#api.key"}
    assert "API_KEY" not in _variables(overrides)


@pytest.mark.parametrize("reference", ["env:API_KEY", "file:/run/secrets/key"])
def test_a_secret_of_the_submitting_machine_is_refused(reference: str) -> None:
    spec = _spec(secrets={"API_KEY": SecretReference(reference)})

    with pytest.raises(ValidationError, match=r"API_KEY of the job job-1 .* such as aws-sm:"):
        overrides_of(spec)


def test_secrets_of_a_foreign_image_are_in_its_definition_only() -> None:
    spec = _spec(secrets={"API_KEY": SecretReference(f"aws-sm:{KEY}")})

    assert "TRADAI_SECRET_REFERENCES" not in _variables(foreign_overrides_of(spec))
    assert value_from(spec) == {"API_KEY": KEY}


@pytest.mark.parametrize(
    ("reference", "arn"),
    [
        (f"aws-sm:{KEY}", KEY),
        (f"aws-sm:{KEY}#token", f"{KEY}:token::"),
        (f"aws-sm:{KEY}@AWSPREVIOUS", f"{KEY}::AWSPREVIOUS:"),
        (f"aws-sm:{KEY}#token@AWSPREVIOUS", f"{KEY}:token:AWSPREVIOUS:"),
    ],
)
def test_a_reference_is_written_as_ecs_reads_it(reference: str, arn: str) -> None:
    assert value_from(_spec(secrets={"A": SecretReference(reference)})) == {"A": arn}


@pytest.mark.parametrize(
    "reference", ["aws-sm:trading/key", f"aws-sm:{KEY}#api.key", "env:A", "file:/a"]
)
def test_a_secret_that_ecs_itself_cannot_read_is_refused(reference: str) -> None:
    with pytest.raises(ValidationError, match="A of the job job-1"):
        value_from(_spec(secrets={"A": SecretReference(reference)}))


@given(st.text(max_size=3), st.integers(0, 9000))
# As many letters would be taken for the key of an exchange.
@example("", 64)
def test_overrides_are_refused_at_the_length_of_the_json_that_boto3_sends(
    text: str, length: int
) -> None:
    overrides = overrides_of(_spec(environment={"A": "." * length + text.replace("\0", "")}))

    if len(json.dumps(overrides)) <= MOST_CHARACTERS:
        check_size(overrides, SPEC)
    else:
        with pytest.raises(ValidationError, match="8192"):
            check_size(overrides, SPEC)


def test_the_last_character_that_fits_is_accepted() -> None:
    free = MOST_CHARACTERS - len(json.dumps(overrides_of(_spec(environment={"A": ""}))))

    check_size(overrides_of(_spec(environment={"A": "x" * free})), SPEC)
    with pytest.raises(ValidationError, match="8193 characters"):
        check_size(overrides_of(_spec(environment={"A": "x" * (free + 1)})), SPEC)


def test_boto3_sends_the_characters_that_are_counted() -> None:
    overrides = overrides_of(_spec(environment={"A": "\u00e9\u20ac\U0001f600"}))
    client = client_for("ecs", AwsSettings(region="eu-west-1"))
    sent: list[bytes] = []

    def keep(params: dict[str, Any], **_: object) -> tuple[AWSResponse, dict[str, Any]]:
        sent.append(params["body"])
        # An answer, so that nothing is sent.
        return AWSResponse("", 200, HTTPHeaders(), None), {}

    client.meta.events.register("before-call.ecs.RunTask", keep)
    try:
        client.run_task(taskDefinition="tradai-0", overrides=overrides)
    finally:
        client.meta.events.unregister("before-call.ecs.RunTask", keep)

    assert json.dumps(overrides).encode() in sent[0]


def test_the_largest_entries_are_named_and_their_values_are_not_shown() -> None:
    variables = {f"NAME_{number}": "v" * (1000 + number) for number in range(9)}
    overrides = overrides_of(_spec(command=("run", "w" * 3000), environment=variables))

    with pytest.raises(ValidationError) as caught:
        check_size(overrides, SPEC)

    message = str(caught.value)
    assert "argument 1 with 3002, variable NAME_8 with 1039, variable NAME_7 with 1038" in message
    assert "NAME_3 " not in message
    assert "vvv" not in message
    assert "www" not in message


def test_what_was_spilled_is_small_and_named_after_its_digest() -> None:
    store = MemoryStore()
    spec = _spec(
        environment={"A": "x" * 20_000}, secrets={"KEY": SecretReference("aws-sm:desk/key")}
    )

    overrides = spill(spec, store, "memory:jobs/", runner={"TRADAI_JOB_ATTEMPT": "1"})

    check_size(overrides, spec)
    *program, uri = _container(overrides)["command"]
    assert program == ["tradai-entrypoint", "jobs", "exec"]
    assert set(_variables(overrides)) == {"TRADAI_JOB_ATTEMPT"}
    data = store.read(uri).data
    assert uri == f"memory:jobs/{hashlib.sha256(data).hexdigest()}.json"
    content = json.loads(data)
    assert content["command"] == list(spec.command)
    assert content["environment"] == _variables(overrides_of(spec))


def test_the_same_content_is_spilled_once() -> None:
    store = MemoryStore()

    assert spill(SPEC, store, "memory:jobs/") == spill(SPEC, store, "memory:jobs/")
    assert len(list(store.list("memory:jobs/"))) == 1


def test_a_secret_of_the_submitting_machine_is_not_spilled() -> None:
    store = MemoryStore()

    with pytest.raises(ValidationError, match="aws-sm"):
        spill(_spec(secrets={"A": SecretReference("env:A")}), store, "memory:jobs/")

    assert not list(store.list("memory:"))

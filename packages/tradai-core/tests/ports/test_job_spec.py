from collections.abc import Mapping
from dataclasses import FrozenInstanceError, fields, replace
from typing import Any

import pytest

from tradai.core import (
    Capacity,
    JobPlatform,
    JobSpec,
    LogDelivery,
    SecretReference,
    canonical_json,
    register_secret,
)
from tradai.core.exceptions import ValidationError

SPEC = JobSpec(job_id="job-1", command=("run", "strategy.yaml"))
# The shape of an exchange's key.
KEY = "fakeKEY0" * 8

CHANGES: Mapping[str, Any] = {
    "job_id": "job-2",
    "command": ("run", "other.yaml"),
    "trace_id": "trace-1",
    "image": "registry/strategy@sha256:0",
    "environment": {"PAIR": "BTC/USDT"},
    "secrets": {"KEY": SecretReference("env:KEY")},
    "cpu_units": 256,
    "memory_mib": 512,
    "disk_gib": 30,
    "time_limit_s": 60,
    "stop_grace_s": 5,
    "capacity": (Capacity.SPOT, Capacity.ON_DEMAND),
    "platform": JobPlatform.LINUX_ARM64,
    "log_delivery": LogDelivery.NON_BLOCKING,
    "may_be_reaped": True,
    "tags": {"team": "research"},
}


def test_every_field_is_part_of_the_digest() -> None:
    assert set(CHANGES) == {item.name for item in fields(JobSpec)}

    digests = {replace(SPEC, **{name: value}).digest for name, value in CHANGES.items()}

    assert len(digests | {SPEC.digest}) == len(CHANGES) + 1


def test_equal_specifications_have_equal_digests() -> None:
    plain: Any = ["spot"]
    one = replace(SPEC, environment={"A": "1", "B": "2"}, capacity=plain)
    two = replace(SPEC, environment={"B": "2", "A": "1"}, capacity=(Capacity.SPOT,))

    assert (one, one.digest, hash(one)) == (two, two.digest, hash(two))


def test_a_specification_is_json() -> None:
    full = JobSpec(**CHANGES)

    assert b"env:KEY" in canonical_json(full.to_json())


def test_the_trace_id_is_the_job_id_by_default() -> None:
    assert SPEC.trace_id == "job-1"


def test_a_specification_never_changes() -> None:
    environment = {"PAIR": "BTC/USDT"}
    spec = replace(SPEC, environment=environment)
    environment["PAIR"] = "ETH/USDT"

    assert spec.environment == {"PAIR": "BTC/USDT"}
    with pytest.raises(TypeError):
        spec.environment["PAIR"] = "ETH/USDT"  # type: ignore[index]  # the tested error
    with pytest.raises(FrozenInstanceError):
        spec.job_id = "job-2"  # type: ignore[misc]  # the tested error


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("job_id", ""),
        ("job_id", "-job"),
        ("job_id", "../job"),
        ("job_id", "j" * 101),
        ("job_id", "job\n"),
        ("job_id", 1),
        ("command", ()),
        ("command", "run strategy.yaml"),
        ("command", ("run", 1)),
        ("command", ("run", "a\0b")),
        ("trace_id", 1),
        ("image", ""),
        ("environment", ["PAIR"]),
        ("environment", {"PAIR": 1}),
        ("environment", {"PAIR": "a\0b"}),
        ("environment", {"": "1"}),
        ("environment", {"A=B": "1"}),
        ("secrets", {"A B": "env:KEY"}),
        ("secrets", ["KEY"]),
        ("cpu_units", 0),
        ("memory_mib", 1.5),
        ("disk_gib", True),
        ("time_limit_s", -1),
        ("stop_grace_s", -1),
        ("stop_grace_s", None),
        ("capacity", ()),
        ("capacity", ("cheap",)),
        ("platform", "linux"),
        ("log_delivery", "fast"),
        ("may_be_reaped", "yes"),
        ("tags", {"team": None}),
    ],
)
# Values of every wrong type (ANN401).
def test_an_unusable_value_is_refused_by_its_name(name: str, value: Any) -> None:  # noqa: ANN401
    with pytest.raises(ValidationError) as caught:
        replace(SPEC, **{name: value})

    # Names of variables are checked for both together.
    is_bad_name = name == "secrets" and "A B" in value
    assert caught.value.field == ("environment" if is_bad_name else name)


@pytest.mark.parametrize(
    "change",
    [
        {"environment": {"API_KEY": "fake-plain-value"}},
        {"environment": {"NOTE": KEY}},
        {"environment": {"NOTE": "https://me:fake-plain-value@example.org"}},
        {"environment": {"NOTE": "fake-registered-value"}},
        {"tags": {"password": "fake-plain-value"}},
        {"command": ("run", "--api-key", "fake-plain-value")},
        {"command": ("run", "--api-key=fake-plain-value")},
        {"command": ("run", "exchange.api_key=fake-plain-value")},
        {"command": ("run", "engine.webhook.url=https://fake-plain-value.example")},
        {"command": ("run", "strategy.config={api_key: fake-plain-value}")},
        {"environment": {"TRADAI_STRATEGY__ENGINE__WEBHOOK__URL": "https://fake-plain-value.org"}},
        {"command": ("run", "exchange/api_key=fake-plain-value")},
        {"command": ("run", "--set", "exchange[0].api_key=fake-plain-value")},
        {"command": ("run", "https://example.org/fake-path?api_key=fake-plain-value")},
        {"command": ("run", "--token", "ZmFrZXBsYWludmFsdWU12Q==")},
        {"command": ("run", KEY)},
        {"secrets": {"API_KEY": "fake-plain-value"}},
    ],
)
def test_the_value_of_a_secret_is_refused_and_not_shown(
    change: dict[str, Any],
) -> None:
    register_secret("fake-registered-value")

    with pytest.raises(ValidationError) as caught:
        replace(SPEC, **change)

    text = f"{caught.value!r} {caught.value.expected}"
    assert "fake-" not in text
    assert "ZmFrZ" not in text
    assert KEY not in text


@pytest.mark.parametrize(
    "change",
    [
        {"environment": {"API_KEY": "aws-sm:trading/binance#key"}},
        {"environment": {"API_KEY": ""}},
        {"command": ("run", "--api-key", "env:KEY")},
        {"command": ("run", "--mode", "backtest", "run.timerange=20250101-20250401")},
        {"command": ("run", "--secret", "API_KEY=env:KEY")},
        {"command": ("run", "--data", "s3://bucket/year=2025/")},
        {"command": ("sh", "-c", "echo token = $TOKEN")},
        {"secrets": {"API_KEY": "env:KEY"}},
    ],
)
def test_references_and_plain_values_are_accepted(change: dict[str, Any]) -> None:
    spec = replace(SPEC, **change)

    assert spec != SPEC


def test_a_variable_is_plain_or_secret_and_never_both() -> None:
    with pytest.raises(ValidationError, match="among the secrets"):
        replace(SPEC, environment={"KEY": "plain"}, secrets={"KEY": SecretReference("env:KEY")})

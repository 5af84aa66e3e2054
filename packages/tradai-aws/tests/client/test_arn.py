"""ARNs: parsing, text, and reachability by partition and region."""

import pytest
from hypothesis import given, strategies as st

from tradai.aws import Arn, AwsSettings, client_for
from tradai.core.exceptions import ConfigurationError, ValidationError

ARNS = st.from_regex(
    r"arn:aws(-cn|-us-gov)?:[a-z]{1,9}:([a-z]{2}-[a-z]{4,7}-[1-9])?:([0-9]{12})?:[!-~]{1,40}",
    fullmatch=True,
)


@given(ARNS)
def test_an_arn_round_trips_through_its_text(text: str) -> None:
    assert str(Arn.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "arn:aws:s3:::",
        "aws:s3:::lake",
        "arn:google:s3:::lake",
        "arn:aws:s3::123:lake",
        "arn:aws:s3:::la ke",
        "arn:aws:s3:::lake\n",
        "arn:aws:S3:::lake",
        "arn:aws:s3",
    ],
)
def test_text_that_is_not_an_arn_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(ValidationError, match="expected arn:partition") as caught:
        Arn.parse(text)

    assert caught.value.field == "arn"
    assert not text or text not in str(caught.value)


@pytest.mark.parametrize(
    ("region", "text"),
    [
        ("eu-central-1", "arn:aws:secretsmanager:eu-central-1:123456789012:secret:a-1"),
        ("eu-central-1", "arn:aws:s3:::lake"),
        ("cn-north-1", "arn:aws-cn:s3:::lake"),
        ("us-gov-west-1", "arn:aws-us-gov:iam::123456789012:role/a"),
    ],
)
def test_an_arn_of_the_clients_region_or_without_one_is_reachable(region: str, text: str) -> None:
    meta = client_for("sts", AwsSettings(region=region)).meta

    Arn.parse(text).require_reachable(partition=meta.partition, region=meta.region_name)


@pytest.mark.parametrize(
    ("region", "text", "reason"),
    [
        ("eu-central-1", "arn:aws-cn:s3:::lake", "partition aws-cn"),
        ("cn-north-1", "arn:aws:s3:::lake", "partition aws,"),
        ("eu-central-1", "arn:aws:sns:eu-west-1:123456789012:a", "set AWS_REGION"),
    ],
)
def test_an_arn_of_another_partition_or_region_is_not_reachable(
    region: str, text: str, reason: str
) -> None:
    meta = client_for("sts", AwsSettings(region=region)).meta

    with pytest.raises(ConfigurationError, match=reason):
        Arn.parse(text).require_reachable(partition=meta.partition, region=meta.region_name)

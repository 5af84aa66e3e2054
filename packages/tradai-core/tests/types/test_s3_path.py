"""S3 paths: what is accepted, and that nothing is normalised."""

import copy

import pytest
from hypothesis import given, settings, strategies as st

from tradai.core import S3Path, parse_s3_path
from tradai.core.exceptions import ValidationError

BUCKETS = st.from_regex(r"[a-z0-9][a-z0-9-]{1,61}[a-z]", fullmatch=True)
KEYS = st.text(
    st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), min_size=1, max_size=200
)


@given(BUCKETS, KEYS)
def test_text_with_a_key_round_trips_character_by_character(bucket: str, key: str) -> None:
    text = f"s3://{bucket}/{key}"

    assert str(S3Path.parse(text)) == text


@pytest.mark.deep
@settings(max_examples=10_000, deadline=None)
@given(BUCKETS, KEYS)
def test_ten_thousand_texts_round_trip(bucket: str, key: str) -> None:
    text = f"s3://{bucket}/{key}"

    assert str(S3Path.parse(text)) == text


@given(BUCKETS, KEYS)
def test_a_path_round_trips_through_its_text(bucket: str, key: str) -> None:
    path = S3Path(bucket, key)

    assert S3Path.parse(str(path)) == path
    assert parse_s3_path(str(path)) == path


@pytest.mark.parametrize("key", ["a//b", "a/../b", "a?x=1", "a#b", "a%20b", "/a", "ünïcode"])
def test_odd_keys_are_kept_as_they_are(key: str) -> None:
    assert S3Path.parse(f"s3://lake/{key}").key == key


@pytest.mark.parametrize("text", ["s3://lake", "s3://lake/"])
def test_a_path_without_a_key_is_the_whole_bucket(text: str) -> None:
    assert S3Path.parse(text) == S3Path("lake", "")


def test_parts_are_joined_with_one_slash_each() -> None:
    assert str(S3Path("lake", "").joined("a", "b/", "c")) == "s3://lake/a/b/c"


@pytest.mark.parametrize("part", ["", "/a"])
def test_a_part_that_would_lose_its_place_is_refused(part: str) -> None:
    with pytest.raises(ValidationError, match="part"):
        S3Path("lake", "a").joined(part)


@pytest.mark.parametrize(
    ("bucket", "reason"),
    [
        ("", "3 to 63 characters"),
        ("ab", "3 to 63 characters"),
        ("a" * 64, "3 to 63 characters"),
        ("Lake", "lower-case letters"),
        ("la_ke", "lower-case letters"),
        ("l\u00e4ke", "lower-case letters"),
        ("lake\n", "lower-case letters"),
        ("lake ", "lower-case letters"),
        ("-lake", "at both ends"),
        ("lake-", "at both ends"),
        (".lake", "at both ends"),
        ("a..b", "two dots"),
        ("192.168.0.1", "IP address"),
        ("xn--lake", "keeps for itself"),
        ("sthree-lake", "keeps for itself"),
    ],
)
def test_a_bucket_name_that_s3_refuses_is_refused_with_the_rule(bucket: str, reason: str) -> None:
    with pytest.raises(ValidationError, match="bucket") as caught:
        S3Path(bucket, "key")

    assert reason in str(caught.value)
    assert caught.value.field == "bucket"


@pytest.mark.parametrize("bucket", ["abc", "a" * 63, "1.2", "123", "a-b.c", "1.2.3.4.5", "a--b"])
def test_an_odd_bucket_name_that_s3_takes_is_taken(bucket: str) -> None:
    assert S3Path.parse(f"s3://{bucket}/key").bucket == bucket


@pytest.mark.parametrize("key", ["a\x00b", "é" * 513, "a" * 1_025, "\ud800"])
def test_a_key_that_s3_refuses_is_refused(key: str) -> None:
    with pytest.raises(ValidationError, match="key"):
        S3Path("lake", key)


@pytest.mark.parametrize("key", ["a" * 1_024, "é" * 512])
def test_a_key_of_1024_bytes_is_the_longest(key: str) -> None:
    assert S3Path("lake", key).key == key


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("https://lake.s3.amazonaws.com/a", "a web address"),
        ("HTTP://lake/a", "a web address"),
        ("arn:aws:s3:::lake/a", "an ARN"),
        ("s3a://lake/a", "Hadoop's form"),
        ("s3n://lake/a", "Hadoop's form"),
        ("S3://lake/a", "capital letters"),
        ("file:///lake/a", "a file"),
        ("/lake/a", "a file"),
        ("lake/a", "something else"),
        ("s3:/lake/a", "something else"),
        ("", "something else"),
    ],
)
def test_another_form_is_refused_by_its_name(text: str, form: str) -> None:
    with pytest.raises(ValidationError, match="expected s3://bucket/key") as caught:
        S3Path.parse(text)

    assert form in str(caught.value)


def test_credentials_in_the_text_are_not_repeated() -> None:
    with pytest.raises(ValidationError) as caught:
        S3Path.parse("s3://user:obviously-fake@lake/a")

    assert "obviously-fake" not in str(caught.value)


def test_paths_are_frozen_hashable_ordered_and_copyable() -> None:
    path = S3Path("lake", "a")

    with pytest.raises(AttributeError):
        # The type checker forbids it as well.
        path.key = "b"  # type: ignore[misc]
    assert {path, S3Path("lake", "a")} == {path}
    assert path < S3Path("lake", "b")
    assert copy.deepcopy(path) == path

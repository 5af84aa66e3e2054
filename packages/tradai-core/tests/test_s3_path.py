"""S3 paths: what is accepted, and that nothing is normalised."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradai.core import S3Path
from tradai.core.exceptions import ValidationError

BUCKETS = st.from_regex(r"[a-z0-9][a-z0-9-]{1,61}[a-z]", fullmatch=True)
KEYS = st.text(
    st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), min_size=1, max_size=200
)


@given(BUCKETS, KEYS)
def test_text_with_a_key_round_trips_character_by_character(bucket: str, key: str) -> None:
    text = f"s3://{bucket}/{key}"

    assert str(S3Path.parse(text)) == text


@given(BUCKETS, KEYS)
def test_a_path_round_trips_through_its_text(bucket: str, key: str) -> None:
    path = S3Path(bucket, key)

    assert S3Path.parse(str(path)) == path


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
    "bucket",
    [
        "",
        "ab",
        "a" * 64,
        "Lake",
        "la_ke",
        "-lake",
        "lake-",
        "a..b",
        "192.168.0.1",
        "l\u00e4ke",
        "lake\n",
    ],
)
def test_a_bucket_name_that_s3_refuses_is_refused(bucket: str) -> None:
    with pytest.raises(ValidationError, match="bucket"):
        S3Path(bucket, "key")


@pytest.mark.parametrize("key", ["a\x00b", "é" * 513])
def test_a_key_that_s3_refuses_is_refused(key: str) -> None:
    with pytest.raises(ValidationError, match="key"):
        S3Path("lake", key)


@pytest.mark.parametrize("text", ["", "lake/a", "S3://lake/a", "s3:/lake/a", "https://lake/a"])
def test_another_scheme_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="s3://bucket/key"):
        S3Path.parse(text)


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
